"""Fair shares of what is limited for all: connections, turns, bytes that arrive."""

from collections import Counter


class Shares:
    """So much of something for all: the fuller it is, the less of it one may hold.

    One who is alone gets half of it, of two each gets a third, of three a quarter: something is
    always left for whoever comes next.
    """

    def __init__(self, whole: int) -> None:
        self._whole = whole
        self._held: Counter[str] = Counter()
        self._total = 0

    def take(self, who: str, amount: int) -> bool:
        """Take so much more; ``False`` where it would be more than a share."""
        if self._held[who] + amount > self._whole - self._total - amount:
            return False
        self._held[who] += amount
        self._total += amount
        return True

    def give_back(self, who: str, amount: int) -> None:
        """Give back what was taken."""
        self._total -= amount
        self._held[who] -= amount
        if not self._held[who]:
            del self._held[who]
