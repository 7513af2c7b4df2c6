"""POST /bitrix24/events: matched to its portal, stored, then answered 200.

Whether an event is genuine is proven later, in ``bot/portals/proof``.
"""

import logging
from dataclasses import dataclass
from http import HTTPStatus
from time import perf_counter

from aiohttp import web

from bot.bitrix24 import form
from bot.bitrix24.envelope import Auth, Envelope, MalformedEvent
from bot.bitrix24.events import CONTEXTS, CommandEvent
from bot.commands.quotes import only_commands, said_lines
from bot.commands.router import Router
from bot.errors import Refusal, StoreUnavailable, TooMuchWaits
from bot.figures import Figures, Reason, Received
from bot.inbox.accepted import NOTHING, Brought, Place, Reply
from bot.inbox.accepting import Accepting
from bot.inbox.backlog import Backlog, Room
from bot.inbox.escalations import Escalations
from bot.installing.declared import UPDATE
from bot.installing.lifecycle import Lifecycle
from bot.portals.portals import Portal, Portals
from bot.web.callers import ASKING, PROOF, Callers
from bot.web.requests import Forms
from bot.wording.rendering import Languages, Wording

log = logging.getLogger(__name__)

RETRY_AFTER = {"Retry-After": "5"}

# What is refused before an event has been read.
_REASONS: dict[int, Reason] = {
    HTTPStatus.REQUEST_TIMEOUT: Reason.TOO_SLOW,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: Reason.TOO_LARGE,
    HTTPStatus.TOO_MANY_REQUESTS: Reason.TOO_OFTEN,
    HTTPStatus.SERVICE_UNAVAILABLE: Reason.FULL,
}


@dataclass(eq=False)
class Events:
    """The address that Bitrix24 posts the bot's events to."""

    _forms: Forms
    _callers: Callers
    _portals: Portals
    _accepting: Accepting
    _backlog: Backlog
    _wording: Wording
    _languages: Languages
    _lifecycle: Lifecycle
    _figures: Figures
    _router: Router
    _escalations: Escalations

    def __post_init__(self) -> None:
        self.open = True

    async def receive(self, request: web.Request) -> web.Response:
        """Take one event: 200 when it is stored or not needed, else why not."""
        began = perf_counter()
        try:
            received = await self._receive(request)
        except _Turned as turned:
            self._refuse(turned.reason)
            headers = RETRY_AFTER if turned.status == HTTPStatus.SERVICE_UNAVAILABLE else None
            return web.Response(status=turned.status, text=f"{turned}\n", headers=headers)
        except web.HTTPException as error:
            self._refuse(_REASONS.get(error.status, Reason.MALFORMED))
            raise
        self._figures.events.add(received)
        if received is Received.STORED:
            self._figures.to_200.observe(perf_counter() - began)
        return web.Response(text="ok\n")

    def _refuse(self, reason: Reason) -> None:
        self._figures.events.add(Received.REFUSED)
        self._figures.refused.add(reason)

    async def _receive(self, request: web.Request) -> Received:
        """Take one event and say what became of it. Raises ``_Turned``, ``HTTPException``."""
        if not self.open:
            raise _Turned(Reason.STOPPING, 503, "stopping")
        try:
            envelope = Envelope.read(await self._forms.read(request)).with_member_id()
            known = self._portals.known(envelope.auth.member_id)
            is_met = known is not None and known.is_told_by(envelope.auth.application_token)
            portal = known if is_met else await self._introduced(request, envelope)
            if portal is None:
                words = "unknown portal or wrong application_token"
                raise _Turned(Reason.UNKNOWN_PORTAL, 403, words)
            self._callers.welcome(request)
            if not portal.has_token:
                self._lifecycle.learn(envelope, portal)
            return await self._take(envelope, portal)
        except (form.MalformedForm, MalformedEvent) as error:
            raise _Turned(Reason.MALFORMED, 400, f"malformed event: {error}") from None
        except StoreUnavailable as error:
            log.error("an event could not be stored: %s", error)
            raise _Turned(Reason.NO_DATABASE, 503, "try again later") from None

    async def _introduced(self, request: web.Request, envelope: Envelope) -> Portal | None:
        """Find the portal in the database; else let an event that brings a proof introduce it."""
        auth = envelope.auth
        has_met = self._portals.has_met(auth.member_id or auth.home)
        if self._portals.known(auth.member_id) or not has_met:
            self._callers.admit(request)
        portal = await self._sender(auth)
        if portal is None:
            with self._callers.admitted(request, ASKING):
                portal = await self._lifecycle.reintroduced(envelope)
        if portal is None:
            address = self._callers.address(request)
            log.warning("a wrong application token or an unknown portal, from %s", address)
            self._callers.charge(request, PROOF if envelope.event == UPDATE else 1.0)
        return portal

    async def _sender(self, auth: Auth) -> Portal | None:
        # Another process may have learnt of a new token, or of a new portal.
        if not auth.application_token.get_secret_value():
            return None
        if auth.member_id:
            portal = await self._portals.fresh(auth.member_id)
        else:
            portal = await self._portals.find_by_home(auth.home, auth.application_token)
        return portal if portal and portal.is_told_by(auth.application_token) else None

    async def _take(self, envelope: Envelope, portal: Portal) -> Received:
        if await self._lifecycle.hear(envelope, portal):
            return Received.LIFECYCLE
        self._escalations.heard(portal.member_id, envelope.chat_id)
        event = _command(envelope, portal)
        if event is None:
            log.info("%s: nothing to do with it", envelope.event)
            return Received.OTHER
        if event.user.is_external:
            log.info("a command of an external user is ignored")
            return Received.EXTERNAL
        if not event.is_authors:
            log.warning("a command that its message's author has not given is ignored")
            return Received.OTHER
        event = only_commands(event, self._router.is_meant)
        room = await self._backlog.room(event)
        if room is Room.NONE:
            log.error("an event could not be stored: too much is waiting")
            raise _Turned(Reason.FULL, 503, "try again later")
        refusal = await self._refusal(event, TooMuchWaits()) if room is Room.TOO_MANY else None
        brought = NOTHING if refusal else _brought(envelope, event)
        if not await self._accepting.accept(event, brought=brought, refusal=refusal):
            log.info("a delivery that is known already: message %d", event.message.id)
            return Received.KNOWN
        return Received.STORED

    async def _refusal(self, event: CommandEvent, refusal: Refusal) -> Reply:
        language = await self._languages.of(event.member_id, event.user.id, event.language)
        text, _ = self._wording.word(refusal, language)
        return Reply(text=text, place=Place.PRIVATE)


class _Turned(Exception):
    """An event is not taken: why, with which status, in which words."""

    def __init__(self, reason: Reason, status: int, words: str) -> None:
        super().__init__(words)
        self.reason = reason
        self.status = status


def _command(envelope: Envelope, portal: Portal) -> CommandEvent | None:
    """Read what somebody asks of the bot: a command, a press, words to it alone, or a talk."""
    match envelope.event:
        case "ONIMBOTV2COMMANDADD":
            event = envelope.command(portal.member_id)
            return event if event.command.context in CONTEXTS else None
        case "ONIMBOTV2MESSAGEADD":
            return envelope.private_message(portal.member_id, said_lines)
        case "ONIMBOTV2JOINCHAT":
            return envelope.beginning(portal.member_id)
    return None


def _brought(envelope: Envelope, event: CommandEvent) -> Brought:
    """Take the tokens along that may come to act: nobody has proven yet whose they are."""
    owner = envelope.auth.user_id
    own = envelope.auth.pair if owner in (None, event.user.id) else None
    return Brought(own=own, is_named=owner is not None, bot=envelope.bot_auth().pair)
