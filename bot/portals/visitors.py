"""Who looks at the app's page: proven by the portal, and asked again with everything they do.

A page in a frame gets no cookies of ours in most browsers. What keeps a visitor known from one
form to the next is a sealed note in the form itself: nobody else can read or make it, no other
site can have a browser send it along, and it is good for an hour, and for a working day where
it is used. It names the visitor and gives them no rights: those the portal is asked for each time.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Any

from bot.bitrix24 import batch
from bot.bitrix24.errors import Bitrix24Error, ExpiredToken, NoPermission, Refused
from bot.bitrix24.ownership import APP, PROFILE, read_app_code, read_owner_id
from bot.bitrix24.people import read_person
from bot.bitrix24.retry import NOT_KNOWN
from bot.bitrix24.rows import text
from bot.bitrix24.token_pair import TokenPair
from bot.bitrix24.visits import Visit
from bot.portals.access import Access
from bot.portals.portals import Portal, Portals
from bot.portals.preferences import Preferences
from bot.portals.time_zones import time_zone
from bot.portals.tokens import Tokens
from bot.store.cipher import Cipher, Unreadable

SESSION = "page"
SESSION_LIFE = 3600
# However often it is used.
LONGEST_SESSION = 12 * 3600
# So long afterwards it still tells in whose frame it is said that it is too old.
REMEMBERED = 30 * 24 * 3600


class NotLetIn(Exception):
    """The visitor is not let in; ``notice`` says why, and what they can do.

    ``home`` is the origin of their portal where that is proven, which may frame the notice, and
    ``language`` what they read, where they have been here before.
    """

    def __init__(self, notice: str, home: str = "", language: str = "") -> None:
        super().__init__(notice)
        self.notice = notice
        self.home = home
        self.language = language


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody at the page, ``since`` when (unix). ``connected``: the bot may act for them.

    ``chose_zone``: their time zone is the portal's word, which a browser does not overrule.
    """

    portal: Portal
    user_id: int
    language: str
    name: str = ""
    time_zone: tzinfo = UTC
    chose_zone: bool = False
    is_admin: bool = False
    connected: bool = True
    since: float = 0.0

    def turned_away(self, notice: str) -> NotLetIn:
        """Say why not, in the visitor's language and in their portal's frame."""
        return NotLetIn(notice, self.portal.home, self.language)


@dataclass(eq=False, slots=True)
class Visitors:
    """Lets people in."""

    _cipher: Cipher
    _portals: Portals
    _tokens: Tokens
    _access: Access
    _preferences: Preferences
    _connected: Callable[[str, int], Awaitable[int]]

    async def enter(self, visit: Visit, language: str) -> Visitor:
        """Let in whom the portal sends, and keep the tokens that they bring.

        Raises ``NotLetIn``, ``StoreUnavailable``.
        """
        portal = await self._portal(visit)
        visitor = await self._known(portal, visit.pair, language)
        await self._tokens.connect(portal.member_id, visitor.user_id, visit.pair)
        await self._preferences.visited(portal.member_id, visitor.user_id, language)
        await self._connected(portal.member_id, visitor.user_id)
        return visitor

    async def again(self, session: str, zone: str = "") -> Visitor:
        """Let in who was let in before, as the portal knows them now. Raises as ``enter``.

        ``zone`` is their browser's time zone, which counts where the portal knows none of theirs.
        """
        try:
            note = self._cipher.unseal(SESSION, session, SESSION_LIFE)
        except Unreadable:
            raise await self._expired(session) from None
        portal = await self._portals.find(note["portal"])
        if portal is None:
            raise NotLetIn("page_portal")
        user_id, language = int(note["user"]), str(note["language"])
        since = float(note.get("since", 0))
        known = Visitor(portal, user_id, language, connected=False, since=since)
        if since < time.time() - LONGEST_SESSION:
            raise known.turned_away("page_session")
        try:
            profile = await self._access.call(portal, user_id, PROFILE)
        except NoPermission:
            return known
        except Bitrix24Error:
            raise known.turned_away("page_server") from None
        if read_owner_id(profile) != user_id:
            raise known.turned_away("page_proof")
        return _visitor(portal, user_id, language, profile, since, zone)

    def session(self, visitor: Visitor) -> str:
        """Write the note that the visitor's next form carries."""
        return self._cipher.seal(
            SESSION,
            {
                "portal": visitor.portal.member_id,
                "user": visitor.user_id,
                "language": visitor.language,
                "since": visitor.since,
            },
        )

    async def _expired(self, session: str) -> NotLetIn:
        """Say that a session is too old where whoever it was made for can read it."""
        try:
            note = self._cipher.unseal(SESSION, session, REMEMBERED)
        except Unreadable:
            return NotLetIn("page_session")
        portal = await self._portals.find(note["portal"])
        return NotLetIn("page_session", portal.home if portal else "", str(note["language"]))

    async def _portal(self, visit: Visit) -> Portal:
        """Find the portal that the visit names. A wrong application token turns it away.

        Older portals give their pages none; whose the visit is, its own tokens prove.
        """
        token = visit.application_token
        for find in (self._portals.find, self._portals.fresh):
            portal = await find(visit.member_id)
            if portal and (not token.get_secret_value() or portal.is_told_by(token)):
                return portal
        raise NotLetIn("page_proof" if portal else "page_portal")

    async def _known(self, portal: Portal, pair: TokenPair, language: str) -> Visitor:
        """Ask the portal, at the address that we know, whose token this is, and which app's."""
        calls = {"profile": PROFILE, "app": APP}
        try:
            answers = await self._access.with_pair(portal, pair, batch.build(calls))
        except ExpiredToken:
            raise NotLetIn("page_session") from None
        except (Refused, NoPermission):
            raise NotLetIn("page_proof") from None
        except Bitrix24Error:
            raise NotLetIn("page_server") from None
        if any(isinstance(one, NOT_KNOWN) for one in answers.values()):
            raise NotLetIn("page_server")
        user_id = read_owner_id(answers["profile"])
        # A token that this portal made for another app must not open this one's page.
        if user_id is None or portal.app_code != read_app_code(answers["app"]):
            raise NotLetIn("page_proof")
        return _visitor(portal, user_id, language, answers["profile"], time.time())


def _visitor(
    portal: Portal, user_id: int, language: str, profile: Any, since: float, zone: str = ""
) -> Visitor:
    known = read_person(profile)
    chosen = text(profile.get("TIME_ZONE"))
    return Visitor(
        portal=portal,
        user_id=user_id,
        language=language,
        name=known.name if known else "",
        # Whatever a portal may call a time zone, the page is shown.
        time_zone=time_zone(chosen or zone) or UTC,
        chose_zone=bool(chosen),
        is_admin=profile.get("ADMIN") is True,
        since=since,
    )
