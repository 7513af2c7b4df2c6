"""POST /bitrix24/events: verified, stored, then answered 200."""

import logging
from http import HTTPStatus
from time import perf_counter

from aiohttp import web

from bot.bitrix24 import form
from bot.bitrix24.events import Auth, CommandEvent, Envelope, MalformedEvent
from bot.commands.errors import ButtonUsed
from bot.engine.backlog import Backlog, Room
from bot.engine.engine import Engine
from bot.errors import Refusal, StoreUnavailable, TooMuchWaits
from bot.figures import Figures, Reason, Taken
from bot.lifecycle import Lifecycle
from bot.rendering import Wording
from bot.store.accepted import Accepted, Place, Reply, refusals_of
from bot.store.cipher import fingerprint, same_secret
from bot.store.commits import Write
from bot.store.inbox import Inbox
from bot.store.portals import Portal, Portals
from bot.store.tokens import TokenPair, Tokens
from bot.web.callers import Callers
from bot.web.requests import Forms

log = logging.getLogger(__name__)

RETRY_AFTER = {"Retry-After": "5"}

# Seconds after an answer in which the same press is still taken for a second delivery.
AGAIN_AFTER = 1.0

# What is refused before an event has been read.
_REASONS: dict[int, Reason] = {
    HTTPStatus.REQUEST_TIMEOUT: Reason.TOO_SLOW,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: Reason.TOO_LARGE,
    HTTPStatus.TOO_MANY_REQUESTS: Reason.TOO_OFTEN,
    HTTPStatus.SERVICE_UNAVAILABLE: Reason.FULL,
}


class Events:
    """The address that Bitrix24 posts the bot's events to."""

    def __init__(
        self,
        forms: Forms,
        callers: Callers,
        portals: Portals,
        tokens: Tokens,
        inbox: Inbox,
        backlog: Backlog,
        engine: Engine,
        wording: Wording,
        lifecycle: Lifecycle,
        figures: Figures,
    ) -> None:
        self.open = True
        self._forms = forms
        self._callers = callers
        self._lifecycle = lifecycle
        self._backlog = backlog
        self._wording = wording
        self._portals = portals
        self._tokens = tokens
        self._inbox = inbox
        self._engine = engine
        self._figures = figures

    async def receive(self, request: web.Request) -> web.Response:
        """Take one event: 200 when it is stored or not needed, else why not (see README)."""
        began = perf_counter()
        try:
            taken = await self._receive(request)
        except _Turned as turned:
            self._refuse(turned.reason)
            headers = RETRY_AFTER if turned.status == HTTPStatus.SERVICE_UNAVAILABLE else None
            return web.Response(status=turned.status, text=f"{turned}\n", headers=headers)
        except web.HTTPException as error:
            self._refuse(_REASONS.get(error.status, Reason.MALFORMED))
            raise
        self._figures.events.add(taken)
        if taken is Taken.STORED:
            self._figures.to_200.observe(perf_counter() - began)
        return web.Response(text="ok\n")

    def _refuse(self, reason: Reason) -> None:
        self._figures.events.add(Taken.REFUSED)
        self._figures.refused.add(reason)

    async def _receive(self, request: web.Request) -> Taken:
        """Take one event and say what became of it. Raises ``_Turned``, ``HTTPException``."""
        if not self.open:
            raise _Turned(Reason.STOPPING, 503, "stopping")
        try:
            envelope = Envelope.read(await self._forms.read(request))
            known = self._portals.known(envelope.auth.member_id)
            is_proven = known is not None and _is_of(envelope.auth, known)
            portal = known if is_proven else await self._introduced(request, envelope)
            if portal is None:
                words = "unknown portal or wrong application_token"
                raise _Turned(Reason.UNKNOWN_PORTAL, 403, words)
            self._callers.proved(request)
            return await self._take(envelope, portal)
        except (form.MalformedForm, MalformedEvent) as error:
            raise _Turned(Reason.MALFORMED, 400, f"malformed event: {error}") from None
        except StoreUnavailable as error:
            log.error("an event could not be stored: %s", error)
            raise _Turned(Reason.NO_DATABASE, 503, "try again later") from None

    async def _introduced(self, request: web.Request, envelope: Envelope) -> Portal | None:
        """Ask the database, and where the event brings a proof others, who posts this."""
        auth = envelope.auth
        token = auth.application_token
        has_met = self._portals.has_met(auth.member_id or fingerprint(token))
        if self._portals.known(auth.member_id) or not has_met:
            self._callers.admit(request)
        portal = await self._sender(auth)
        if portal is None:
            self._callers.admit(request)
            portal = await self._lifecycle.reintroduced(envelope)
        if portal is None:
            address = self._callers.address(request)
            log.warning("a wrong application token or an unknown portal, from %s", address)
            self._callers.charge(request)
        return portal

    async def _sender(self, auth: Auth) -> Portal | None:
        # Another process may have learnt of a new token, or of a new portal.
        token = auth.application_token
        if not token.get_secret_value():
            return None
        if auth.member_id:
            portal = await self._portals.fresh(auth.member_id)
        else:
            portal = await self._portals.find_by_application_token(token)
        return portal if portal and _is_of(auth, portal) else None

    async def _take(self, envelope: Envelope, portal: Portal) -> Taken:
        if await self._lifecycle.hear(envelope, portal):
            return Taken.LIFECYCLE
        event = _command(envelope, portal)
        if event is None:
            log.info("%s: nothing to do with it", envelope.event[:64])
            return Taken.OTHER
        if event.user.is_external:
            log.info("a command of an external user is ignored")
            return Taken.EXTERNAL
        room = await self._backlog.room(event)
        if room is Room.NONE:
            log.error("an event could not be stored: too much is waiting")
            raise _Turned(Reason.FULL, 503, "try again later")
        pair, writes = await self._pairs(envelope, event, portal)
        refusal = self._refusal(event, TooMuchWaits()) if room is Room.TOO_MANY else None
        lane = refusals_of(event) if refusal else event.lane
        accepted = await self._inbox.accept(
            event, *writes, *self._engine.joining(lane), refusal=refusal
        )
        if pair is not None:
            self._tokens.saved(portal.member_id, event.user.id, pair)
        if accepted is None:
            log.info("a delivery that is known already: message %d", event.message.id)
            accepted = await self._pressed_again(event)
        if accepted is None:
            return Taken.KNOWN
        self._backlog.added(event)
        self._engine.add(accepted)
        return Taken.STORED

    async def _pressed_again(self, event: CommandEvent) -> Accepted | None:
        """Answer a person who presses a button once more; a second delivery gets no answer.

        The two look alike, but a delivery does not come back after the answer.
        """
        if not event.is_press or not await self._inbox.answered(event.identity, AGAIN_AFTER):
            return None
        refusal = self._refusal(event, ButtonUsed())
        joining = self._engine.joining(refusals_of(event))
        identity = f"{event.identity[:58]}/again"
        return await self._inbox.accept(event, *joining, refusal=refusal, identity=identity)

    def _refusal(self, event: CommandEvent, refusal: Refusal) -> Reply:
        text, _ = self._wording.word(refusal, self._wording.known(event.language))
        return Reply(text=text, place=Place.PRIVATE)

    async def _pairs(
        self, envelope: Envelope, event: CommandEvent, portal: Portal
    ) -> tuple[TokenPair | None, list[Write]]:
        """Make the writes for the tokens of the event: each to whom it belongs, or nowhere.

        Gives the requester's own, too, if it came.
        """
        pair, owner = _pair(envelope.auth), envelope.auth.user_id
        own = pair if owner == event.user.id else None
        writes: list[Write] = []
        if own is not None:
            writes += self._tokens.saving(portal.member_id, event.user.id, own)
        elif pair is not None and owner is None:
            writes += self._tokens.saving_unproven(portal.member_id, event.identity, pair)
        if portal.bot_id == event.bot.id:
            writes += await self._bot_pair(envelope, portal.member_id, event.bot.id)
        return own, writes

    async def _bot_pair(self, envelope: Envelope, member_id: str, bot_id: int) -> list[Write]:
        pair = _pair(envelope.bot_auth())
        if pair is None or await self._tokens.find(member_id, bot_id):
            return []
        return self._tokens.saving(member_id, bot_id, pair)


def _is_of(auth: Auth, portal: Portal) -> bool:
    return same_secret(portal.application_token, auth.application_token)


class _Turned(Exception):
    """An event is not taken: why, with which status, in which words."""

    def __init__(self, reason: Reason, status: int, words: str) -> None:
        super().__init__(words)
        self.reason = reason
        self.status = status


def _command(envelope: Envelope, portal: Portal) -> CommandEvent | None:
    """Read what somebody asks of the bot: a command, a press, or words to it alone."""
    match envelope.event.upper():
        case "ONIMBOTV2COMMANDADD":
            return envelope.command(portal.member_id)
        case "ONIMBOTV2MESSAGEADD":
            return envelope.private_message(portal.member_id)
    return None


def _pair(auth: Auth) -> TokenPair | None:
    return TokenPair(auth.access_token, auth.refresh_token) if auth.access_token else None
