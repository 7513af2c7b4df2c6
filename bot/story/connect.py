"""A person lets the bot act for them.

They get a link that names them, go to their portal, and come back with a code that the
authorization server makes a token of. Whose token it is, that server and the portal tell; it
has to be the person whom the link was made for. Where the link names a command that nothing had
proven, they are shown it, and it is run only if they say so.
"""

import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlencode

from pydantic import SecretStr

from bot.bitrix24.errors import Bitrix24Error, Refused
from bot.bitrix24.network import origin
from bot.bitrix24.oauth import ForeignServer, Grant, OAuth
from bot.bitrix24.ownership import PROFILE, read_owner_id
from bot.inbox.accepted import Accepted
from bot.inbox.pending import Pending
from bot.portals.access import Access
from bot.portals.portals import Portal, Portals
from bot.portals.states import States
from bot.portals.tokens import Tokens
from bot.store.cipher import Cipher, Unreadable
from bot.story.buttons import Buttons, KeptButton

log = logging.getLogger(__name__)

# A link of yesterday still connects, though the command that it came with is forgotten.
LINK_LIFE = 24 * 3600
STATE_LIFE = 15 * 60

LINK, STATE, CONSENT = "connect", "oauth", "consent"


class Obstacle(StrEnum):
    """Why a person could not be connected; the wording says what to do."""

    LINK = "link"  # no link of ours, or one too old
    STATE = "state"  # no state of ours, or one too old, or used before
    PORTAL = "portal"  # the portal has left
    PERSON = "person"  # somebody else has given their permission
    RENAMED = "renamed"  # the portal has another member id: the app must be installed again
    CODE = "code"  # the authorization server does not take the code
    SERVER = "server"  # nobody could be asked
    OVER = "over"  # the command was run already, or is too old


class NotConnected(Exception):
    """The person is not connected, and why; ``home`` is their portal's origin where it is known."""

    def __init__(self, obstacle: Obstacle, portal: Portal | None = None) -> None:
        super().__init__(obstacle.value)
        self.obstacle = obstacle
        self.home = portal.home if portal else ""


class ConnectLinks:
    """Makes the links that people connect with."""

    def __init__(self, cipher: Cipher, public_url: str) -> None:
        self._cipher = cipher
        self._url = f"{public_url}/bitrix24/connect"

    def make(self, member_id: str, user_id: int, command_id: int = 0) -> str:
        """Make a link for one person of one portal; they are asked about a command, if given."""
        note = {"portal": member_id, "user": user_id, "command": command_id}
        ticket = self._cipher.seal(LINK, note)
        return f"{self._url}?{urlencode({'ticket': ticket})}"


@dataclass(frozen=True, slots=True)
class Asked:
    """A command that its requester is asked about, and what their ``consent`` carries.

    ``button``: the one that was pressed for it.
    """

    command: Accepted
    button: KeptButton | None
    consent: str


@dataclass(frozen=True, slots=True)
class Connected:
    """Who is connected now: how many commands had waited for it, and what they are asked about."""

    portal: Portal
    waited: int
    asked: Sequence[Asked] = ()


@dataclass(eq=False, slots=True)
class Connect:
    """Carries the flow from the link to the token."""

    _cipher: Cipher
    _portals: Portals
    _tokens: Tokens
    _states: States
    _oauth: OAuth
    _access: Access
    _pending: Pending
    _buttons: Buttons

    async def begin(self, ticket: str) -> str:
        """Give the address of the portal's authorize page. Raises ``NotConnected``.

        Page: oauth/index.md. The portal goes by its own card for where to send the person.
        """
        note = self._read(LINK, ticket, LINK_LIFE, Obstacle.LINK)
        portal = await self._portal(note["portal"])
        state = self._cipher.seal(STATE, {**note, "nonce": secrets.token_hex(16)})
        query = urlencode({"client_id": self._oauth.client_id, "state": state})
        return f"{portal.address}/oauth/authorize/?{query}"

    async def finish(self, code: SecretStr, state: str) -> Connected:
        """Store the person's token, and tell what had waited for it.

        Raises ``NotConnected``, ``StoreUnavailable``.
        """
        note = self._read(STATE, state, STATE_LIFE, Obstacle.STATE)
        portal, user_id = await self._portal(note["portal"]), int(note["user"])
        if not await self._states.use(note["nonce"], STATE_LIFE + 60):
            raise NotConnected(Obstacle.STATE, portal)
        grant = await self._grant(portal, code)
        if await self._owner(portal, grant) != user_id:
            raise NotConnected(Obstacle.PERSON, portal)
        await self._tokens.connect(portal.member_id, user_id, grant.pair)
        waited = await self._pending.take_up(portal.member_id, user_id)
        wanted = int(note.get("command") or 0)
        asked = await self._pending.asked(portal.member_id, user_id, wanted) if wanted else []
        return Connected(portal, waited, [await self._asked(one) for one in asked])

    async def _asked(self, command: Accepted) -> Asked:
        event = command.event
        note = {"portal": event.member_id, "user": event.user.id, "command": command.id}
        consent = self._cipher.seal(CONSENT, note)
        return Asked(command, await self._buttons.meant(command), consent)

    async def consent(self, consent: str) -> str:
        """Have the command run that the person was asked about, and give their portal's origin.

        Raises ``NotConnected``, ``StoreUnavailable``.
        """
        note = self._read(CONSENT, consent, STATE_LIFE, Obstacle.STATE)
        portal = await self._portal(note["portal"])
        user_id, command_id = int(note["user"]), int(note["command"])
        if not await self._pending.consent(portal.member_id, user_id, command_id):
            raise NotConnected(Obstacle.OVER, portal)
        return portal.home

    def _read(self, purpose: str, text: str, seconds: int, obstacle: Obstacle) -> dict[str, str]:
        try:
            return self._cipher.unseal(purpose, text, seconds)
        except Unreadable:
            raise NotConnected(obstacle) from None

    async def _portal(self, member_id: str) -> Portal:
        portal = await self._portals.find(member_id)
        if portal is None:
            raise NotConnected(Obstacle.PORTAL)
        return portal

    async def _grant(self, portal: Portal, code: SecretStr) -> Grant:
        try:
            grant = await self._oauth.exchange(portal.server_endpoint, code)
        except Refused as refused:
            log.warning("an authorization code is refused: %s", refused)
            raise NotConnected(Obstacle.CODE, portal) from None
        except (Bitrix24Error, ForeignServer) as error:
            log.error("an authorization code cannot be exchanged: %s", error)
            raise NotConnected(Obstacle.SERVER, portal) from None
        if grant.member_id != portal.member_id:
            same = origin(grant.client_endpoint) == portal.home
            raise NotConnected(Obstacle.RENAMED if same else Obstacle.PERSON, portal)
        return grant

    async def _owner(self, portal: Portal, grant: Grant) -> int | None:
        # The page of the code exchange shows no `user_id`; that of the refresh does.
        if grant.user_id is not None:
            return grant.user_id
        try:
            return read_owner_id(await self._access.with_pair(portal, grant.pair, PROFILE))
        except Bitrix24Error as error:
            log.error("the owner of a new token cannot be asked: %s", error)
            raise NotConnected(Obstacle.SERVER, portal) from None
