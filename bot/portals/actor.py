"""Whose token may act for one command: its requester's, and nobody else's.

One that the event says is theirs acts at once: the portal says in the same request whose it is. One
of which it does not say so is asked about first. A stored one acts only where it is certain that
the requester means the command; what makes it certain stands in ``bot/portals/proof.py``.
"""

import logging
from typing import Any

from bot.bitrix24 import batch
from bot.bitrix24.calls import Call
from bot.bitrix24.entities import Person
from bot.bitrix24.errors import (
    Bitrix24Error,
    ExpiredToken,
    External,
    NoPermission,
    NotProven,
    NotTheirs,
    Unreachable,
)
from bot.bitrix24.token_pair import TokenPair
from bot.figures import Proven
from bot.inbox.accepted import Accepted
from bot.portals.access import Access
from bot.portals.portals import Portal
from bot.portals.proof import Proof
from bot.portals.tokens import Tokens

log = logging.getLogger(__name__)


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
        # What the portal calls them, as it has told a page of ours: a name that came over the wire
        # proves nothing.
        self._name = command.event.user.name if command.event.is_of_page else ""

    @property
    def may_act(self) -> bool:
        """Say whether the command brings a token that may act without any question."""
        return self.is_proven or self._own is not None

    @property
    def person(self) -> Person:
        """The requester, by the name that the portal has confirmed, if it has."""
        return Person(id=self._user_id, name=self._name)

    async def call(self, call: Call) -> Any:
        """Make a call with the token that may act; a token of the event's is proven with it.

        Raises ``NotTheirs`` after a call that another's token has made, or an external user's;
        ``NotProven`` where only a stored pair could act and nothing proves the event, else as
        ``Access.call``.
        """
        if self._own is not None and not self._command.brought.is_named:
            await self._prove_own(self._own)
        if self._own is not None:
            try:
                return await self._with_own(self._own, call)
            except NoPermission:
                # The portal has just said that it is nobody's.
                self._own = None
            except ExpiredToken:
                await self._prove_own(self._own)
            except Unreachable:
                if not self._access.may_have_moved(self._portal):
                    raise
                await self._prove_own(self._own)
        await self._prove_event()
        return await self._access.call(self._portal, self._user_id, call)

    async def prove(self) -> None:
        """Make sure that the requester means the command, before it does anything by itself.

        Raises ``NotProven``, ``NotTheirs``, ``Bitrix24Error`` where nobody can be asked for long.
        """
        await self._proof.retried(self._prove)

    async def has_left(self) -> bool:
        """Say whether the requester's account is certainly off: they will not connect any more."""
        return await self._proof.has_left(self._portal, self._user_id)

    async def _prove(self) -> None:
        if not self.is_proven and self._own is not None:
            await self._prove_own(self._own)
        await self._prove_event()

    async def _with_own(self, own: TokenPair, call: Call) -> Any:
        owner, result = await self._proof.asking_whose(self._portal, own, call, self._user_id)
        if owner is None:
            own, owner = await self._whose(own)
        if owner is None or owner.id != self._user_id:
            raise self._not_theirs(owner.id if owner else 0, result)
        if self._proof.is_external(self._portal, owner.id):
            raise self._external(owner.id, result)
        self._keep(own, owner)
        return batch.result_of(result)

    async def _whose(self, own: TokenPair) -> tuple[TokenPair, Person | None]:
        """Ask the authorization server, where the portal has not said whose a token is."""
        try:
            return await self._access.renew(self._portal, own, self._user_id) or (own, None)
        except Bitrix24Error:
            return own, None

    async def _prove_own(self, own: TokenPair) -> None:
        """Keep the token if it is the requester's, and drop it if not. Raises ``NotTheirs``."""
        owned = await self._proof.owned(self._portal, own, self._user_id)
        self._own = None
        if owned is None:
            return
        if owned[1].id == self._user_id:
            self._keep(*owned)
        elif self._command.brought.is_named:
            raise self._not_theirs(owned[1].id)

    def _keep(self, own: TokenPair, owner: Person) -> None:
        self._own, self.is_proven, self._name = None, True, owner.name
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

    def _external(self, owner: int, result: Any) -> External:
        self._own = None
        log.warning("command %s is an external user's", self._command.reference)
        return External(owner, result)

    async def _prove_event(self) -> None:
        """Let a stored pair act only where it is certain that its person means the command."""
        if self.is_proven:
            return
        if not await self._is_portals():
            self._proof.count(Proven.NOTHING)
            raise NotProven
        self.is_proven, self._name = True, self._command.event.user.name

    async def _is_portals(self) -> bool:
        """Say whether the event brings the token of the portal's bot, which proves it."""
        pair = self._command.brought.bot
        if pair is None or self._command.event.bot.id != self._portal.bot_id:
            return False
        return await self._proof.is_bots(self._portal, pair, self._user_id)
