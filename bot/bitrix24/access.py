"""Calls as a user of a portal, with that user's token from the vault."""

import asyncio
from typing import Any
from weakref import WeakValueDictionary

from bot.bitrix24.client import Address, Call, Client
from bot.bitrix24.errors import LOST_CODES, Busy, ExpiredToken, NoPermission, Refused
from bot.bitrix24.oauth import OAuth
from bot.store.portals import Portal
from bot.store.tokens import TokenPair, Tokens


class Access:
    """Gives every call the token of the user it is made for."""

    def __init__(self, client: Client, tokens: Tokens, oauth: OAuth) -> None:
        self._client = client
        self._tokens = tokens
        self._oauth = oauth
        self._renewing: WeakValueDictionary[tuple[str, int], asyncio.Lock] = WeakValueDictionary()

    async def call(self, portal: Portal, user_id: int, call: Call) -> Any:
        """Make one call as this user; an expired token is renewed once.

        Raises ``NoPermission`` where there is no usable token, else as ``Client.call``.
        """
        pair = await self._tokens.find(portal.member_id, user_id)
        if pair is None:
            raise NoPermission
        try:
            return await self._call(portal, pair, call)
        except ExpiredToken:
            renewed = await self._renew(portal, user_id, pair)
            return await self._call(portal, renewed, call)

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
            profile = await self._call(portal, pair, Call("profile"))
        except (Refused, NoPermission) as error:
            if isinstance(error, Busy):
                raise
            return None
        number = str(profile.get("ID", "")) if isinstance(profile, dict) else ""
        return int(number) if number.isdecimal() else None

    async def _call(self, portal: Portal, pair: TokenPair, call: Call) -> Any:
        try:
            address = Address(portal.member_id, portal.client_endpoint)
            return await self._client.call(address, pair.access, call)
        except Refused as refused:
            if refused.code in LOST_CODES:
                raise NoPermission from None
            raise

    async def _renew(self, portal: Portal, user_id: int, expired: TokenPair) -> TokenPair:
        key = (portal.member_id, user_id)
        lock = self._renewing.setdefault(key, asyncio.Lock())
        async with lock:
            current = await self._tokens.fresh(*key)
            if current is None:
                raise NoPermission
            if current.access != expired.access:
                return current
            return await self._refresh(portal, user_id, current)

    async def _refresh(self, portal: Portal, user_id: int, current: TokenPair) -> TokenPair:
        if current.refresh is None:
            raise NoPermission
        try:
            grant = await self._oauth.refresh(portal.server_endpoint, current.refresh)
        except Refused as refused:
            if refused.code != "invalid_grant":
                raise
            await self._tokens.forget(portal.member_id, user_id)
            raise NoPermission from None
        renewed = TokenPair(grant.access_token, grant.refresh_token)
        # Stored before it is used: the old pair is dead already.
        await self._tokens.save(portal.member_id, user_id, renewed)
        return renewed
