"""Calls as a user of a portal, with their token from the vault, which is mended on the way."""

import asyncio
import logging
from dataclasses import replace
from typing import Any
from weakref import WeakValueDictionary

from cachetools import TTLCache

from bot.bitrix24.calls import Address, Call
from bot.bitrix24.client import Client
from bot.bitrix24.entities import Person
from bot.bitrix24.errors import (
    Bitrix24Error,
    ExpiredToken,
    LostToken,
    NoPermission,
    NotRenewed,
    Refused,
    Renamed,
    RenewalRefused,
    Unreachable,
)
from bot.bitrix24.network import origin
from bot.bitrix24.oauth import Grant, OAuth
from bot.bitrix24.ownership import PROFILE
from bot.bitrix24.people import read_person
from bot.bitrix24.token_pair import TokenPair
from bot.portals.portals import Portal, Portals
from bot.portals.tokens import Kept, Tokens
from bot.settings import is_safe_origin

log = logging.getLogger(__name__)

# How long the loser of a race for a renewal waits before it looks again.
LOOK_AGAIN = 0.1

# Another process may bring a pair in between, so that one renewal is not always enough.
MOST_RENEWALS = 3

# Where a portal is that does not answer is not asked again so soon, and a portal that calls fresh
# tokens expired gets no others.
ASK_WHERE = 300.0
CLOCK_IS_WRONG = 300.0

# What a renewal is called at the pace of its portal: it is no method there.
RENEWAL = "oauth"

# The lines in which those wait who have none of their own.
OF_STRANGERS, OF_NOBODY = 0, -1

# What the trouble of a portal is called that has another member id.
RENAMED = "renamed"


class Access:
    """Gives every call the token of the user it is made for."""

    def __init__(self, client: Client, portals: Portals, tokens: Tokens, oauth: OAuth) -> None:
        self._client = client
        self._portals = portals
        self._tokens = tokens
        self._oauth = oauth
        self._renewing: WeakValueDictionary[tuple[str, int], asyncio.Lock] = WeakValueDictionary()
        self._asked_where: TTLCache[str, bool] = TTLCache(maxsize=2048, ttl=ASK_WHERE)
        self._ahead: TTLCache[str, bool] = TTLCache(maxsize=2048, ttl=CLOCK_IS_WRONG)

    async def call(self, portal: Portal, user_id: int, call: Call) -> Any:
        """Make one call as this user; a token that the portal does not take is renewed once.

        A portal that has another address is called there, if the authorization server says so.
        Raises ``NoPermission`` where there is no usable token, ``ExpiredToken`` where the portal
        takes not even a fresh one, ``Renamed``, else as ``Client.call``.
        """
        try:
            return await self._call_at(portal, user_id, call)
        except NotRenewed:
            raise
        except Unreachable as error:
            new = await self._address(portal, user_id, error)
            return await self._call_at(new, user_id, call)

    async def with_pair(
        self, portal: Portal, pair: TokenPair, call: Call, requester: int = 0
    ) -> Any:
        """Make one call with a pair that need not be in the vault; it is not renewed.

        ``requester`` is who is said to want it, 0 where nobody is named.
        Raises ``NoPermission`` where the portal does not know it, else as ``Client.call``.
        """
        address = Address(portal.member_id, portal.client_endpoint)
        lined = replace(call, line=await self._line(portal, requester))
        try:
            return await self._client.call(address, pair.access, lined)
        except LostToken:
            raise NoPermission from None
        except Unreachable:
            # Where the portal is now may have become known meanwhile.
            current = await self._portals.fresh(portal.member_id)
            if current is None or current.client_endpoint == portal.client_endpoint:
                raise
            return await self.with_pair(current, pair, call, requester)

    async def _line(self, portal: Portal, requester: int) -> int:
        """Give the line for what may be made up: the requester's own, or one for all strangers.

        So nobody's commands wait for those that somebody else invents, in whatever name; nor for
        pages and updates, of which nobody has said whose they are.
        """
        if not requester:
            return OF_NOBODY
        is_known = await self._tokens.find(portal.member_id, requester)
        return requester if is_known else OF_STRANGERS

    async def owner(self, portal: Portal, pair: TokenPair, requester: int = 0) -> Person | None:
        """Ask whose token this is: ``profile`` needs no permission. ``None``: nobody's.

        ``requester`` as for ``with_pair``. Raises ``ExpiredToken``, and ``Bitrix24Error`` where
        nobody can be asked.
        """
        try:
            return read_person(await self.with_pair(portal, pair, PROFILE, requester))
        except ExpiredToken:
            raise
        except (Refused, NoPermission):
            return None

    async def renew(
        self, portal: Portal, pair: TokenPair, requester: int = 0
    ) -> tuple[TokenPair, Person] | None:
        """Renew a pair that is not in the vault, and say whose it is.

        ``requester`` as for ``with_pair``. ``None`` where it cannot be renewed, or is another
        portal's. It may be made up: the portal's pace pays, so that none has the authorization
        server, which serves all, asked without end.
        """
        if pair.refresh is None:
            return None
        line = await self._line(portal, requester)
        await self._client.turn(portal.member_id, Call(RENEWAL, line=line))
        try:
            grant = await self._oauth.refresh(portal.server_endpoint, pair.refresh)
        except Refused:
            return None
        if grant.member_id != portal.member_id:
            return None
        await self._note_address(portal, grant.client_endpoint)
        if grant.user_id:
            return grant.pair, Person(id=grant.user_id)
        owner = await self.owner(portal, grant.pair, requester)
        return (grant.pair, owner) if owner else None

    async def _call_at(self, portal: Portal, user_id: int, call: Call) -> Any:
        pair = await self._usable(portal, user_id)
        address = Address(portal.member_id, portal.client_endpoint)
        renewed: set[str] = set()
        while True:
            try:
                return await self._client.call(address, pair.access, call)
            except (ExpiredToken, LostToken) as refused:
                if pair.access.get_secret_value() in renewed or len(renewed) == MOST_RENEWALS:
                    raise await self._given_up(portal, user_id, pair, refused) from None
                if isinstance(refused, ExpiredToken) and portal.member_id in self._ahead:
                    raise
            pair, is_fresh = await self._renew(portal, user_id, pair)
            if is_fresh:
                renewed.add(pair.access.get_secret_value())
            else:
                # What another process has brought meanwhile can be expired, too, or not proven.
                pair = await self._usable(portal, user_id)

    async def _given_up(
        self, portal: Portal, user_id: int, fresh: TokenPair, refused: Refused
    ) -> Bitrix24Error:
        """Say what a portal has that does not take a token made this minute."""
        if isinstance(refused, ExpiredToken):
            self._ahead[portal.member_id] = True
            log.error(
                "portal %s calls a token expired that was made this minute: its clock is wrong?",
                portal.member_id,
            )
            return refused
        await self._tokens.forget(portal.member_id, user_id, fresh)
        log.warning("portal %s does not know a fresh token: %s", portal.member_id, refused)
        return NoPermission()

    async def _usable(self, portal: Portal, user_id: int) -> TokenPair:
        """Give the pair of this user, confirmed where nobody has proven it. Raises as ``call``."""
        kept = await self._tokens.find(portal.member_id, user_id)
        if kept is None:
            raise NoPermission
        return kept.pair if kept.proven else await self._confirmed(portal, user_id, kept)

    async def _confirmed(self, portal: Portal, user_id: int, kept: Kept) -> TokenPair:
        """Have ``profile`` say whose a stored pair is, and keep it if it is this user's."""
        pair = kept.pair
        try:
            owner = await self.owner(portal, pair)
        except ExpiredToken:
            owner = None
        if owner is None:
            await self._renew(portal, user_id, pair)
            return await self._usable(portal, user_id)
        if owner.id != user_id:
            log.error("a stored pair of portal %s turned out to be another's", portal.member_id)
            await self._tokens.forget(portal.member_id, user_id, pair)
            raise NoPermission
        await self._tokens.renewed(portal.member_id, user_id, pair, proven=True)
        return pair

    async def _renew(
        self, portal: Portal, user_id: int, stale: TokenPair
    ) -> tuple[TokenPair, bool]:
        """Renew a pair, or wait until somebody else has: a refresh token is good only once.

        Says besides whether it is fresh from the authorization server.
        """
        key = (portal.member_id, user_id)
        lock = self._renewing.setdefault(key, asyncio.Lock())
        async with lock:
            while True:
                current = await self._tokens.fresh(*key)
                if current is None:
                    raise NoPermission
                if current.pair.access != stale.access:
                    return current.pair, False
                if current.pair.refresh is None:
                    await self._tokens.forget(*key, current.pair)
                    raise NoPermission
                # The lease outlives the request that it is for.
                if await self._tokens.lease(*key, 2 * self._oauth.timeout):
                    break
                await asyncio.sleep(LOOK_AGAIN)
            try:
                return (await self._refresh(portal, user_id, stale)).pair, True
            except NoPermission:
                # Another pair may have come before the right to renew did, or meanwhile.
                current = await self._tokens.fresh(*key)
                if current is None or current.pair.access == stale.access:
                    raise
                return current.pair, False

    async def _refresh(self, portal: Portal, user_id: int, stale: TokenPair | None = None) -> Grant:
        """Renew the pair, whatever it is, or the ``stale`` one and no other.

        The right to do so is held, and given back whatever happens.
        """
        key = (portal.member_id, user_id)
        current = await self._tokens.fresh(*key)
        is_other = current and stale and current.pair.access != stale.access
        if current is None or current.pair.refresh is None or is_other:
            await self._tokens.release(*key)
            raise NoPermission
        try:
            grant = await self._oauth.refresh(portal.server_endpoint, current.pair.refresh)
        except Exception as error:
            if isinstance(error, Refused) and error.code == "invalid_grant":
                await self._tokens.forget(*key, current.pair)
                raise NoPermission from None
            await self._tokens.release(*key)
            raise _of_renewal(error) from None
        await self._check(portal, user_id, grant, current.pair)
        return grant

    async def _check(self, portal: Portal, user_id: int, grant: Grant, spent: TokenPair) -> None:
        """Keep a renewed pair if it is this user's. The old one is dead already."""
        key = (portal.member_id, user_id)
        if grant.member_id != portal.member_id:
            await self._tokens.forget(*key, spent)
            raise await self._other_portal(portal, grant)
        fresh, owner = grant.pair, grant.user_id
        if owner is None:
            # Stored before anybody is asked about it.
            await self._tokens.renewed(*key, fresh, proven=False)
            person, spent = await self.owner(portal, fresh), fresh
            owner = person.id if person else None
        if owner == user_id:
            return await self._tokens.renewed(*key, fresh, proven=True)
        log.error("a pair of portal %s turned out to be another's", portal.member_id)
        await self._tokens.forget(*key, spent)
        raise NoPermission

    async def _other_portal(self, portal: Portal, grant: Grant) -> Bitrix24Error:
        """Tell a portal whose licence was renewed from one that never was this one."""
        if origin(grant.client_endpoint) == portal.home:
            await self._portals.troubled(portal.member_id, RENAMED)
            log.error("portal %s has another member id now: install again", portal.member_id)
            return Renamed("the portal has another member id")
        log.error("a pair of portal %s turned out to be another's", portal.member_id)
        return NoPermission()

    def may_have_moved(self, portal: Portal) -> bool:
        """Say whether it is time to ask where a portal is that does not answer."""
        return portal.member_id not in self._asked_where

    async def _address(self, portal: Portal, user_id: int, error: Unreachable) -> Portal:
        """Give the portal with its new address. Raises the error where nobody knows another.

        Wherever the old address may lead, only the authorization server's word counts.
        """
        current = await self._portals.fresh(portal.member_id)
        if current is not None and current.client_endpoint != portal.client_endpoint:
            return current
        if not self.may_have_moved(portal):
            raise error
        if not await self._note_address(portal, await self._vouched(portal, user_id)):
            log.warning("portal %s has no other address: %s", portal.member_id, error)
            raise error
        return await self._portals.fresh(portal.member_id) or portal

    async def _note_address(self, portal: Portal, endpoint: str) -> bool:
        """Keep a portal's address as the authorization server names it; say if it is another."""
        self._asked_where[portal.member_id] = True
        if endpoint == portal.client_endpoint or not is_safe_origin(endpoint):
            return False
        await self._portals.moved(portal.member_id, endpoint)
        log.info("portal %s has another address", portal.member_id)
        return True

    async def _vouched(self, portal: Portal, user_id: int) -> str:
        """Ask the authorization server where the portal is: a refresh tells."""
        key = (portal.member_id, user_id)
        async with self._renewing.setdefault(key, asyncio.Lock()):
            if not await self._tokens.lease(*key, 2 * self._oauth.timeout):
                return ""
            try:
                return (await self._refresh(portal, user_id)).client_endpoint
            except NoPermission:
                return ""


def _of_renewal(error: Exception) -> Exception:
    """Tell what the authorization server says from what the portal says to a call."""
    if isinstance(error, Unreachable):
        return NotRenewed(str(error))
    if isinstance(error, Refused):
        return RenewalRefused(error.code, error.description, error.status)
    return error
