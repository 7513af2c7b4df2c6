"""Calls as a user of a portal, with that user's token from the vault."""

import asyncio
import logging
from dataclasses import replace
from typing import Any
from weakref import WeakValueDictionary

from cachetools import TTLCache

from bot.bitrix24.calls import Address, Call
from bot.bitrix24.client import Client
from bot.bitrix24.errors import ExpiredToken, LostToken, Moved, NoPermission, Refused
from bot.bitrix24.numerals import read_number
from bot.bitrix24.oauth import Grant, OAuth, origin
from bot.settings import is_safe_origin
from bot.store.portals import Portal, Portals
from bot.store.tokens import TokenPair, Tokens

log = logging.getLogger(__name__)

# How long the loser of a race for a renewal waits before it looks again.
LOOK_AGAIN = 0.1

MOST_RENEWALS = 3

# A redirect that the authorization server did not confirm is not asked about again so soon.
UNCONFIRMED = 300.0


class Access:
    """Gives every call the token of the user it is made for."""

    def __init__(self, client: Client, portals: Portals, tokens: Tokens, oauth: OAuth) -> None:
        self._client = client
        self._portals = portals
        self._tokens = tokens
        self._oauth = oauth
        self._renewing: WeakValueDictionary[tuple[str, int], asyncio.Lock] = WeakValueDictionary()
        self._unconfirmed: TTLCache[str, str] = TTLCache(maxsize=2048, ttl=UNCONFIRMED)

    async def call(self, portal: Portal, user_id: int, call: Call) -> Any:
        """Make one call as this user; an expired token is renewed once.

        A portal that has another address is called there, if the authorization server says so.
        Raises ``NoPermission`` where there is no usable token, else as ``Client.call``.
        """
        try:
            return await self._call_at(portal, user_id, call)
        except Moved as moved:
            new = await self._address(portal, user_id, moved)
            return await self._call_at(new, user_id, call)

    async def adopt(self, portal: Portal, user_id: int, identity: str) -> bool:
        """Take a token that an event brought without an owner, if it proves to be this user's."""
        pair = await self._tokens.unproven(identity)
        if pair is None:
            return False
        if await self._owner(portal, pair) != user_id:
            await self._tokens.forget_unproven(identity)
            return False
        await self._tokens.prove(portal.member_id, user_id, identity, pair)
        return True

    async def _owner(self, portal: Portal, pair: TokenPair) -> int | None:
        """Ask whose token this is: ``profile`` needs no permission."""
        try:
            profile = await self.with_pair(portal, pair, Call("profile"))
        except (Refused, NoPermission):
            return None
        return profile_id(profile)

    async def with_pair(self, portal: Portal, pair: TokenPair, call: Call) -> Any:
        """Make one call with a pair that need not be in the vault; it is not renewed."""
        try:
            address = Address(portal.member_id, portal.client_endpoint)
            return await self._client.call(address, pair.access, call)
        except LostToken:
            raise NoPermission from None

    async def _call_at(self, portal: Portal, user_id: int, call: Call) -> Any:
        pair = await self._tokens.find(portal.member_id, user_id)
        if pair is None:
            raise NoPermission
        for _ in range(MOST_RENEWALS):
            try:
                return await self.with_pair(portal, pair, call)
            except ExpiredToken:
                # Events may come late: what replaced the pair can be older than it, and expired.
                pair = await self._renew(portal, user_id, pair)
        try:
            return await self.with_pair(portal, pair, call)
        except ExpiredToken:
            raise NoPermission from None

    async def _renew(self, portal: Portal, user_id: int, expired: TokenPair) -> TokenPair:
        """Renew a pair, or wait until somebody else has: a refresh token is good only once."""
        key = (portal.member_id, user_id)
        lock = self._renewing.setdefault(key, asyncio.Lock())
        async with lock:
            while True:
                current = await self._tokens.fresh(*key)
                if current is None or current.refresh is None:
                    raise NoPermission
                if current.access != expired.access:
                    return current
                # The lease outlives the request that it is for.
                if await self._tokens.lease(*key, 2 * self._oauth.timeout):
                    break
                await asyncio.sleep(LOOK_AGAIN)
            return await self._renew_alone(portal, user_id, expired)

    async def _renew_alone(self, portal: Portal, user_id: int, expired: TokenPair) -> TokenPair:
        key = (portal.member_id, user_id)
        current = await self._tokens.fresh(*key)
        if current is not None and current.access != expired.access:
            await self._tokens.release(*key)
            return current
        try:
            return _pair(await self._refresh(portal, user_id))
        except NoPermission:
            # An event may have brought another pair while this one was being refused.
            current = await self._tokens.fresh(*key)
            if current is None or current.access == expired.access:
                raise
            return current

    async def _refresh(self, portal: Portal, user_id: int) -> Grant:
        """Renew the pair; the right to do so is held, and given back whatever happens."""
        key = (portal.member_id, user_id)
        current = await self._tokens.fresh(*key)
        if current is None or current.refresh is None:
            await self._tokens.release(*key)
            raise NoPermission
        try:
            grant = await self._oauth.refresh(portal.server_endpoint, current.refresh)
        except Refused as refused:
            if refused.code == "invalid_grant":
                await self._tokens.forget(*key, current)
                raise NoPermission from None
            await self._tokens.release(*key)
            raise
        except Exception:
            await self._tokens.release(*key)
            raise
        if grant.member_id != portal.member_id or grant.user_id not in (user_id, None):
            log.error("a pair of portal %s turned out to be another's", portal.member_id)
            await self._tokens.forget(*key, current)
            raise NoPermission
        # Stored before it is used: the old pair is dead already.
        await self._tokens.renewed(*key, _pair(grant))
        return grant

    async def _address(self, portal: Portal, user_id: int, moved: Moved) -> Portal:
        """Give the portal with its new address. Raises ``Moved`` where nobody vouches for it."""
        current = await self._portals.fresh(portal.member_id)
        if current is not None and current.client_endpoint != portal.client_endpoint:
            return current
        claimed = origin(moved.location)
        if self._unconfirmed.get(portal.member_id) == claimed:
            raise moved
        endpoint = await self._confirmed(portal, user_id)
        if origin(endpoint) != claimed or not is_safe_origin(endpoint):
            self._unconfirmed[portal.member_id] = claimed
            raise moved
        await self._portals.moved(portal.member_id, endpoint)
        log.info("portal %s has another address", portal.member_id)
        return replace(portal, client_endpoint=endpoint)

    async def _confirmed(self, portal: Portal, user_id: int) -> str:
        """Ask the authorization server where the portal is: a refresh tells."""
        key = (portal.member_id, user_id)
        async with self._renewing.setdefault(key, asyncio.Lock()):
            if not await self._tokens.lease(*key, 2 * self._oauth.timeout):
                return ""
            try:
                return (await self._refresh(portal, user_id)).client_endpoint
            except NoPermission:
                return ""


def profile_id(profile: Any) -> int | None:
    """Read the user's id off an answer of ``profile``."""
    return read_number(profile.get("ID")) if isinstance(profile, dict) else None


def _pair(grant: Grant) -> TokenPair:
    return TokenPair(grant.access_token, grant.refresh_token)
