"""What proves what, and whose token may act for a command.

======================================  ===========================================================
what came                               what it proves
======================================  ===========================================================
the application token                   nothing: every employee can read it; it finds the portal
the bot's token, ``data[bot][auth]``    the event is the portal's own, where ``profile`` answers the
                                        portal's bot to it: no employee ever sees that token
a token said to be the requester's      it may act at once, for it gives nobody more than they have;
                                        whose it is ``profile`` says in the same request
a token said to be another's            nothing; it is not even kept
a person's consent on our page          that they mean a command that nothing else had proven
a mark in our own row                   that an act is the bot's own: a timer
======================================  ===========================================================

A stored pair acts for its person only where the event is proven. Page of the platform that says
that events carry the bot's token: chat-bots-v2/events; that ``profile`` needs no permission:
profile.md.
"""

import logging
from typing import Any

from cachetools import TTLCache

from bot.bitrix24 import batch
from bot.bitrix24.access import PROFILE, Access, profile_id
from bot.bitrix24.calls import Call
from bot.bitrix24.errors import (
    Bitrix24Error,
    ExpiredToken,
    NoPermission,
    NotProven,
    NotTheirs,
    Unreachable,
)
from bot.bitrix24.patience import NOT_KNOWN, Patience
from bot.figures import Figures, Proven
from bot.store.accepted import Accepted
from bot.store.cipher import fingerprint
from bot.store.portals import Portal
from bot.store.tokens import TokenPair, Tokens

log = logging.getLogger(__name__)

# How long a portal's access token can live: what was seen of one holds for no longer.
TOKEN_LIFE = 3600.0

# The name of the question that rides along in a batch.
WHOSE = "whose"


class Proof:
    """Proves events, and hands out the one token that may act for a command."""

    def __init__(
        self, access: Access, tokens: Tokens, patience: Patience, figures: Figures
    ) -> None:
        self._access = access
        self._tokens = tokens
        self._patience = patience
        self._figures = figures
        # By portal and the bot token's fingerprint: whether it is that portal's bot's.
        self._seen: TTLCache[tuple[str, str], bool] = TTLCache(maxsize=20_000, ttl=TOKEN_LIFE)

    def actor(self, portal: Portal, command: Accepted) -> "Actor":
        """Give what acts for a command."""
        return Actor(self, self._access, self._tokens, portal, command)

    async def is_genuine(self, portal: Portal, command: Accepted) -> bool:
        """Say whether the portal itself has sent the event: its bot's token tells.

        Raises ``Bitrix24Error`` where nobody can be asked.
        """
        pair = command.brought.bot
        if pair is None or command.event.bot.id != portal.bot_id:
            return False
        return await self.is_bots(portal, pair)

    async def is_bots(self, portal: Portal, pair: TokenPair) -> bool:
        """Say whether a pair is the portal's bot's, which nobody but the portal could know.

        Raises ``Bitrix24Error`` where nobody can be asked.
        """
        if portal.bot_id is None:
            return False
        mark = (portal.member_id, fingerprint(pair.access))
        if mark not in self._seen:
            owned = await self._patience.insist(NOT_KNOWN, lambda: self._owned(portal, pair))
            self._seen[mark] = owned is not None and owned[1] == portal.bot_id
            self.count(Proven.GENUINE if self._seen[mark] else Proven.FORGED)
            if owned is not None and self._seen[mark]:
                await self.keep_bot(portal, owned[0])
        return self._seen[mark]

    async def as_bot(self, portal: Portal, command: Accepted, call: Call) -> Any:
        """Make a call with the bot's token that came with an event, and keep it if it is the bot's.

        Raises ``NoPermission`` where there is none, or the portal does not know it.
        """
        pair = command.brought.bot
        if pair is None or portal.bot_id is None:
            raise NoPermission
        try:
            owner, result = await self.asking_whose(portal, pair, call)
        except ExpiredToken:
            raise NoPermission from None
        if owner == portal.bot_id:
            await self.keep_bot(portal, pair)
        return _result(result)

    async def asking_whose(
        self, portal: Portal, pair: TokenPair, call: Call
    ) -> tuple[int | None, Any]:
        """Make a call, and ask in the same request whose token it is made with.

        Gives the owner, ``None`` where that is not told, and the call's result or its error.
        Raises as ``Access.with_pair``.
        """
        if call.method == "batch" and len(call.methods) == batch.MAX_CALLS:
            owner = await self._access.owner(portal, pair)
            return owner, await self._access.with_pair(portal, pair, call)
        if call.method == "batch":
            result = await self._access.with_pair(portal, pair, batch.joined(call, WHOSE, PROFILE))
            return profile_id(batch.read(result, {WHOSE: PROFILE})[WHOSE]), result
        calls = {WHOSE: PROFILE, "call": call}
        told = batch.read(await self._access.with_pair(portal, pair, batch.build(calls)), calls)
        return profile_id(told[WHOSE]), told["call"]

    async def keep_bot(self, portal: Portal, pair: TokenPair) -> None:
        """Keep the bot's proven pair where the vault has none, or one that has died."""
        bot_id = portal.bot_id or 0
        if await self._tokens.find(portal.member_id, bot_id) is None:
            self._tokens.keep(portal.member_id, bot_id, pair)

    def count(self, what: "Proven") -> None:
        """Count what came of a proof."""
        self._figures.proofs.add(what)

    async def _owned(self, portal: Portal, pair: TokenPair) -> tuple[TokenPair, int] | None:
        """Give the pair, renewed where it has expired, and whose it is."""
        try:
            owner = await self._access.owner(portal, pair)
        except ExpiredToken:
            return await self._access.renew(portal, pair)
        except Unreachable:
            # The refresh tells where the portal is now.
            if not self._access.may_have_moved(portal):
                raise
            return await self._access.renew(portal, pair)
        return (pair, owner) if owner else None


class Actor:
    """What acts for one command: the requester's own token, or a stored one. Never another's."""

    def __init__(
        self, proof: Proof, access: Access, tokens: Tokens, portal: Portal, command: Accepted
    ) -> None:
        self._proof = proof
        self._access = access
        self._tokens = tokens
        self._portal = portal
        self._command = command
        self._user_id = command.event.user.id
        # Said to be the requester's, until it is known whose it is.
        self._own = command.brought.own
        # It is certain that the requester means this command.
        self.is_proven = command.proven

    @property
    def may_act(self) -> bool:
        """Say whether the command brings a token that may act without any question."""
        return self.is_proven or self._own is not None

    async def call(self, call: Call) -> Any:
        """Make a call with the token that may act; a token of the event's is proven with it.

        Raises ``NotTheirs`` after a call that another's token has made, ``NotProven`` where only
        a stored pair could act and nothing proves the event, else as ``Access.call``.
        """
        if self._own is not None and not self._command.brought.is_named:
            await self._prove_own(self._own)
        if self._own is not None:
            try:
                return await self._with_own(self._own, call)
            except (ExpiredToken, NoPermission):
                await self._renew_own(self._own)
            except Unreachable:
                # The refresh tells where the portal is now.
                if not self._access.may_have_moved(self._portal):
                    raise
                await self._renew_own(self._own)
        await self._prove_event()
        return await self._access.call(self._portal, self._user_id, call)

    async def prove(self) -> None:
        """Make sure that the requester means the command, before it does anything by itself.

        Raises ``NotProven``, ``NotTheirs``, ``Bitrix24Error`` where nobody can be asked.
        """
        if not self.is_proven and self._own is not None:
            await self._prove_own(self._own)
        await self._prove_event()

    async def _with_own(self, own: TokenPair, call: Call) -> Any:
        owner, result = await self._proof.asking_whose(self._portal, own, call)
        if owner is not None and owner != self._user_id:
            raise self._not_theirs(owner, result)
        if owner is not None:
            self._keep(own)
        return _result(result)

    async def _prove_own(self, own: TokenPair) -> None:
        try:
            owner = await self._access.owner(self._portal, own)
        except ExpiredToken:
            return await self._renew_own(own)
        if owner == self._user_id:
            return self._keep(own)
        self._own = None
        if owner is not None and self._command.brought.is_named:
            raise self._not_theirs(owner)
        return None

    async def _renew_own(self, own: TokenPair) -> None:
        """Have the authorization server say whose a token is that the portal does not take."""
        renewed = await self._access.renew(self._portal, own)
        self._own = None
        if renewed is not None and renewed[1] == self._user_id:
            self._keep(renewed[0])
        elif renewed is not None and self._command.brought.is_named:
            raise self._not_theirs(renewed[1])

    def _keep(self, own: TokenPair) -> None:
        self._own, self.is_proven = None, True
        self._tokens.keep(self._portal.member_id, self._user_id, own)

    def _not_theirs(self, owner: int, result: Any = None) -> NotTheirs:
        self._own = None
        self._proof.count(Proven.ANOTHERS)
        log.error(
            "command %s of user %d brought the token of user %d",
            self._command.reference,
            self._user_id,
            owner,
        )
        return NotTheirs(owner, result)

    async def _prove_event(self) -> None:
        """Let a stored pair act only where it is certain that its person means the command."""
        if self.is_proven:
            return
        if not await self._proof.is_genuine(self._portal, self._command):
            self._proof.count(Proven.NOTHING)
            raise NotProven
        self.is_proven = True


def _result(result: Any) -> Any:
    if isinstance(result, Bitrix24Error):
        raise result
    return result
