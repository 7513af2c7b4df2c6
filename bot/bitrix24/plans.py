"""How large a portal's bucket is: its plan decides. Page: limits.md."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from cachetools import TTLCache

# The portal counts when a request arrives, we when it leaves: stay a little below.
MARGIN = 2


@dataclass(frozen=True, slots=True)
class Share:
    """Which parts of a bucket a process may use."""

    at_once: float
    per_second: float


WHOLE = Share(1.0, 1.0)

# Where several processes share the database: what carries commands out, and what only serves
# pages. To install the bot takes a dozen requests, seldom.
OWNERS = Share(0.6, 0.9)
PAGES = Share(0.4, 0.1)

# How long a portal that refuses at a larger plan's pace is kept to the usual one.
HUMBLED_FOR = 3600.0


@dataclass(frozen=True, slots=True)
class Bucket:
    """What fits in at once, and how many requests drain in a second."""

    capacity: float = 50
    per_second: float = 2.0

    @property
    def ours(self) -> float:
        """What we put in at once."""
        return max(1.0, self.capacity - MARGIN)

    def part(self, share: Share) -> "Bucket":
        """Give what a process is left of it."""
        return Bucket(self.capacity * share.at_once, self.per_second * share.per_second)

    @property
    def drained_after(self) -> float:
        """Seconds until a full one is empty."""
        return self.capacity / self.per_second


ENTERPRISE = Bucket(250, 5.0)


class Plans:
    """The bucket of each portal: as its administrator says, unless the portal shows otherwise.

    A process that has a ``share`` of it leaves the rest to others.
    """

    def __init__(
        self,
        usual: Bucket,
        is_enterprise: Callable[[str], Awaitable[bool]],
        share: Share = WHOLE,
    ) -> None:
        self._is_largest = usual.per_second >= ENTERPRISE.per_second
        self._usual = usual.part(share)
        self._enterprise = ENTERPRISE.part(share)
        self._is_enterprise = is_enterprise
        self._humbled: TTLCache[str, bool] = TTLCache(maxsize=20_000, ttl=HUMBLED_FOR)

    async def bucket(self, member_id: str) -> Bucket:
        """Give the portal's bucket. Raises ``StoreUnavailable``."""
        if self._is_largest or member_id in self._humbled:
            return self._usual
        return self._enterprise if await self._is_enterprise(member_id) else self._usual

    def humble(self, member_id: str) -> Bucket:
        """Keep a portal that has refused to the usual bucket for a while, and give that."""
        self._humbled[member_id] = True
        return self._usual
