"""The leaky bucket that every REST request of a portal drops into."""

from sandbox.clock import Clock


class Bucket:
    """Blocks above `size` drops and leaks `rate` of them a second."""

    def __init__(self, clock: Clock, size: float, rate: float) -> None:
        self._clock = clock
        self.size = size
        self.rate = rate
        self._level = 0.0
        self._seen = clock.now()

    def take(self) -> bool:
        """Add one request; False when the bucket would run over."""
        now = self._clock.now()
        self._level = max(0.0, self._level - max(0.0, now - self._seen) * self.rate)
        self._seen = now
        if self._level + 1 > self.size:
            return False
        self._level += 1
        return True

    def resize(self, size: float, rate: float) -> None:
        """Other limits from now on, and an empty bucket."""
        self.size = size
        self.rate = rate
        self._level = 0.0
