"""What proves what.

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
a form of the tab in a CRM card         that its visitor means it: with their session, and once
a mark in our own row                   that an act is the bot's own: a timer
======================================  ===========================================================

Which token acts then stands in ``bot/portals/actor.py``. Page of the platform that says that events
carry the bot's token: chat-bots-v2/events; that ``profile`` needs no permission: profile.md.
"""

import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from cachetools import TTLCache

from bot.bitrix24 import batch
from bot.bitrix24.calls import Call
from bot.bitrix24.entities import Person
from bot.bitrix24.errors import Bitrix24Error, Busy, ExpiredToken, NoPermission, Unreachable
from bot.bitrix24.ownership import PROFILE
from bot.bitrix24.people import OWN_ACCOUNT, account_call, read_account, read_person
from bot.bitrix24.retry import NOT_KNOWN, Retry
from bot.bitrix24.token_pair import TokenPair
from bot.figures import Figures, Proven
from bot.inbox.accepted import Accepted
from bot.portals.access import Access
from bot.portals.portals import Portal
from bot.portals.tokens import Tokens
from bot.store.cipher import fingerprint

T = TypeVar("T")

# How long a portal's access token can live: what was seen of one holds for no longer.
TOKEN_LIFE = 3600.0

# How long `profile` is left alone where the portal does not say until when: the window that its
# running time is counted in.
RESTS = 600.0

# How long the bot goes by what it was told of somebody's account, before it says a word to them.
STAFF_KNOWN = 60.0

# How long the portal's word counts that somebody is none of the staff, or is.
ACCOUNT_KNOWN = 600.0

# The names of the questions that ride along in a batch: whose the token is, and whether its owner
# is one of the staff.
WHOSE, ACCOUNT = "whose", "account"

# So often a minute the bot answers before it asks whose a command is that needs nothing of the
# portal: to one person, and at one portal. Somebody else may have made the command up.
UNASKED, UNASKED_OF_PORTAL = 10, 60


class Proof:
    """Proves events: asks whose a token is, and remembers what it was told."""

    def __init__(self, access: Access, tokens: Tokens, retry: Retry, figures: Figures) -> None:
        self._access = access
        self._tokens = tokens
        self._retry = retry
        self._figures = figures
        # The portals that take no `profile` for a while, and until when.
        self._resting: dict[str, float] = {}
        # By portal and the bot token's fingerprint: whether it is that portal's bot's.
        self._seen: TTLCache[tuple[str, str], bool] = TTLCache(maxsize=20_000, ttl=TOKEN_LIFE)
        # By portal and user: whether that is one of the staff.
        self._staff: TTLCache[tuple[str, int], bool] = TTLCache(maxsize=8192, ttl=STAFF_KNOWN)
        # The same: whether their own token has shown a customer, an extranet user or a bot.
        self._external: TTLCache[tuple[str, int], bool] = TTLCache(maxsize=8192, ttl=ACCOUNT_KNOWN)
        # By portal, and by portal and user: how often the bot has answered in a minute unasked.
        self._unasked: TTLCache[tuple[str, int, int], int] = TTLCache(maxsize=8192, ttl=120.0)

    async def is_bots(self, portal: Portal, pair: TokenPair, requester: int = 0) -> bool:
        """Say whether a pair is the portal's bot's, which nobody but the portal could know.

        Raises ``Bitrix24Error`` where nobody can be asked.
        """
        if portal.bot_id is None:
            return False
        mark = (portal.member_id, fingerprint(pair.access))
        if mark not in self._seen:
            owned = await self.retried(lambda: self.owned(portal, pair, requester))
            self._seen[mark] = owned is not None and owned[1].id == portal.bot_id
            self.count(Proven.GENUINE if self._seen[mark] else Proven.FORGED)
            if owned is not None and self._seen[mark]:
                await self._keep_bot(portal, owned[0])
        return self._seen[mark]

    async def as_bot(self, portal: Portal, command: Accepted, call: Call) -> Any:
        """Make a call with the bot's token that came with an event, and keep it if it is the bot's.

        Raises ``NoPermission`` where there is none, or the portal does not know it.
        """
        pair = command.brought.bot
        if pair is None or portal.bot_id is None:
            raise NoPermission
        try:
            owner, result = await self.asking_whose(portal, pair, call, command.event.user.id)
        except ExpiredToken:
            raise NoPermission from None
        if owner is not None and owner.id == portal.bot_id:
            await self._keep_bot(portal, pair)
        return batch.result_of(result)

    async def asking_whose(
        self, portal: Portal, pair: TokenPair, call: Call, requester: int
    ) -> tuple[Person | None, Any]:
        """Make a call, and ask in the same request whose token it is made with.

        Once a while it is asked besides whether that is one of the staff: see ``is_external``.
        Gives the owner, ``None`` where that is not told, and the call's result or its error.
        Raises as ``Access.with_pair``.
        """
        is_batch = call.method == "batch"
        asked = {WHOSE: PROFILE}
        if (portal.member_id, requester) not in self._external:
            asked[ACCOUNT] = OWN_ACCOUNT
        if self._rests(portal) or len(asked) + len(call.methods) > batch.MAX_CALLS:
            return None, await self._access.with_pair(portal, pair, call, requester)
        joined = call if is_batch else batch.build({"call": call})
        for name, question in asked.items():
            joined = batch.joined(joined, name, question)
        told = await self._access.with_pair(portal, pair, joined, requester)
        owner = self._read(portal, told[WHOSE])
        self._note_account(portal, owner, told.get(ACCOUNT))
        return owner, told if is_batch else told["call"]

    def _note_account(self, portal: Portal, owner: Person | None, told: Any) -> None:
        found = read_account(told, owner.id) if owner else None
        if owner and found:
            self._external[portal.member_id, owner.id] = found.is_external

    def is_external(self, portal: Portal, user_id: int) -> bool:
        """Say whether a user's own token has lately shown that they are none of the staff.

        An event that anybody can post says of its user what its sender likes.
        """
        return self._external.get((portal.member_id, user_id), False)

    def is_free(self, portal: Portal, user_id: int) -> bool:
        """Say whether the bot may answer a command once more that nothing has proven yet.

        To ask whose it is costs a request more; a few are answered without that every minute.
        """
        minute = int(time.time() / 60)
        of_portal, own = (portal.member_id, 0, minute), (portal.member_id, user_id, minute)
        counts = self._unasked.get(of_portal, 0), self._unasked.get(own, 0)
        if counts[0] >= UNASKED_OF_PORTAL or counts[1] >= UNASKED:
            return False
        self._unasked[of_portal], self._unasked[own] = counts[0] + 1, counts[1] + 1
        return True

    def _read(self, portal: Portal, told: Any) -> Person | None:
        if isinstance(told, Busy):
            self._resting[portal.member_id] = told.until or time.time() + RESTS
        return read_person(told)

    def _rests(self, portal: Portal) -> bool:
        """Say whether the portal takes no ``profile`` now: nothing is to wait for it."""
        if self._resting.get(portal.member_id, 0.0) < time.time():
            self._resting.pop(portal.member_id, None)
            return False
        return True

    async def owned(
        self, portal: Portal, pair: TokenPair, requester: int
    ) -> tuple[TokenPair, Person] | None:
        """Give a pair, renewed if need be, and whose it is; ``None``: nobody's here.

        The portal says it, else the authorization server, which knows the portal's address too.
        Raises ``Bitrix24Error`` where nobody can be asked.
        """
        if not self._rests(portal):
            try:
                owner = await self._access.owner(portal, pair, requester)
                return (pair, owner) if owner else None
            except ExpiredToken:
                pass
            except Busy as busy:
                self._read(portal, busy)
            except Unreachable:
                if not self._access.may_have_moved(portal):
                    raise
        return await self._access.renew(portal, pair, requester)

    async def is_colleague(self, portal: Portal, user_id: int) -> bool:
        """Say whether somebody is one of the portal's staff, whom the bot may speak to."""
        who = (portal.member_id, user_id)
        if (known := self._staff.get(who)) is not None:
            return known
        try:
            told = await self.retried(lambda: self._account(portal, user_id))
        except Bitrix24Error:
            return False
        found = read_account(told, user_id)
        is_staff = found is not None and found.active and not found.is_external
        self._staff[who] = is_staff
        return is_staff

    async def has_left(self, portal: Portal, user_id: int) -> bool:
        """Say whether somebody's account is certainly off."""
        try:
            found = read_account(await self._account(portal, user_id), user_id)
        except Bitrix24Error:
            return False
        return found is not None and not found.active

    async def _account(self, portal: Portal, user_id: int) -> Any:
        """Ask for an account as whoever has installed the app, or as the bot once they are gone."""
        call = account_call(user_id)
        try:
            return await self._access.call(portal, portal.installer_id, call)
        except NoPermission:
            return await self._access.call(portal, portal.bot_id or 0, call)

    async def _keep_bot(self, portal: Portal, pair: TokenPair) -> None:
        """Keep the bot's proven pair where the vault has none, or one that has died."""
        bot_id = portal.bot_id or 0
        if await self._tokens.find(portal.member_id, bot_id) is None:
            self._tokens.keep(portal.member_id, bot_id, pair)

    async def retried(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask again and again where nobody answers, as long as a command may wait."""
        return await self._retry.call(NOT_KNOWN, ask)

    def count(self, what: Proven) -> None:
        """Count what came of a proof."""
        self._figures.proofs.add(what)
