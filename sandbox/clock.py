"""The portal's clock: real time, which a test may put ahead."""

import time
from datetime import datetime, timedelta, timezone

_MOSCOW = timezone(timedelta(hours=3))


class Clock:
    """Seconds since 1970, plus what `advance` has added."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def now(self) -> float:
        return time.time() + self._ahead

    def advance(self, seconds: float) -> None:
        self._ahead += seconds

    def iso(self) -> str:
        return iso(self.now())


def hour(moment: float) -> str:
    """The hour and minute of the moment on the portal's clocks."""
    return datetime.fromtimestamp(moment, _MOSCOW).strftime("%H:%M")


def iso(moment: float) -> str:
    """The moment as Bitrix24 writes it: seconds and the portal's offset."""
    return datetime.fromtimestamp(moment, _MOSCOW).isoformat(timespec="seconds")
