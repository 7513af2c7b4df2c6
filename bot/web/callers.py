"""Who posts, and how much those may cost us who have not proven who they are."""

import ipaddress
import logging
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web
from cachetools import LRUCache, TTLCache

log = logging.getLogger(__name__)

# What is refused costs its caller credit. It is there again after so many seconds; many portals
# share an address, so without credit only that is turned away which may cost much. Who has none
# left costs the others nothing more, and has some again in twice that time at most.
_FULL_AFTER = 10.0
_CREDIT_OF_ONE = 100.0
_CREDIT_OF_ALL = 500.0

# Seconds for which an address that something good came from does not pay for others.
_TRUSTED_FOR = 3600.0

# What a false proof costs its caller: others have had to be asked about it. While they are asked,
# it may be a good one, and many come from one address.
PROOF = 10.0
ASKING = 4

_LONGEST_ADDRESS = 45
_REMEMBERED = 10_000


class Callers:
    """Knows callers by their address and keeps what each has left."""

    def __init__(self, trusted_proxies: int) -> None:
        self._proxies = trusted_proxies
        # When everything that an address has used will have come back.
        self._ones: LRUCache[str, float] = LRUCache(maxsize=_REMEMBERED)
        self._all = 0.0
        # What is under way for each that may come to nothing yet.
        self._held: Counter[str] = Counter()
        self._proven: TTLCache[str, bool] = TTLCache(maxsize=_REMEMBERED, ttl=_TRUSTED_FOR)

    def address(self, request: web.Request) -> str:
        """Give the address that a request is from, as the last proxy that we trust tells it."""
        direct = request.remote or ""
        if not self._proxies:
            return direct
        told = ",".join(request.headers.getall("X-Forwarded-For", ())).split(",")
        told = [one.strip()[:_LONGEST_ADDRESS] for one in told if one.strip()]
        return told[-self._proxies] if len(told) >= self._proxies else direct

    def admit(self, request: web.Request) -> None:
        """Let somebody unproven cause work. Raises ``HTTPTooManyRequests``."""
        group, now = self.group(request), time.monotonic()
        common = 0.0 if group in self._proven else self._all
        used = max(now, common, self._ones.get(group, 0.0))
        if used + self._held[group] * _FULL_AFTER / _CREDIT_OF_ONE >= now + _FULL_AFTER:
            raise web.HTTPTooManyRequests(
                text="too many wrong requests, try again later\n",
                headers={"Retry-After": f"{_FULL_AFTER:.0f}"},
            )

    @contextmanager
    def admitted(self, request: web.Request, cost: int = 1) -> Iterator[None]:
        """Let somebody unproven cause work that others pay for, which uses their credit meanwhile.

        Raises ``HTTPTooManyRequests``.
        """
        self.admit(request)
        group = self.group(request)
        self._held[group] += cost
        try:
            yield
        finally:
            self._held[group] -= cost
            if not self._held[group]:
                del self._held[group]

    def charge(self, request: web.Request, cost: float = 1.0) -> None:
        """Note that a request came to nothing."""
        now, group = time.monotonic(), self.group(request)
        before = max(now, self._ones.get(group, 0.0))
        after = before + cost * _FULL_AFTER / _CREDIT_OF_ONE
        self._ones[group] = min(after, now + 2 * _FULL_AFTER)
        if before >= now + _FULL_AFTER:
            return
        if group not in self._proven:
            spent = max(now, self._all) + cost * _FULL_AFTER / _CREDIT_OF_ALL
            self._all = min(spent, now + 2 * _FULL_AFTER)
        if after >= now + _FULL_AFTER:
            log.warning("too many wrong requests from %s", group)

    def welcome(self, request: web.Request) -> None:
        """Note that something good came from there: strangers do not use up its credit."""
        self._proven[self.group(request)] = True

    def group(self, request: web.Request) -> str:
        """Take addresses of IPv6 together that one caller has all of."""
        address = self.address(request)
        if ":" not in address:
            return address
        try:
            return str(ipaddress.ip_network((address, 64), strict=False))
        except ValueError:
            return address
