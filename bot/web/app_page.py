"""POST /bitrix24/app: the app's page in the portal's frame.

What only administrators may do is done after the portal has said, in the same request, that the
visitor is one.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from aiohttp import web

from bot.bitrix24.errors import Bitrix24Error
from bot.bitrix24.numerals import read_number
from bot.bitrix24.visits import Visit
from bot.installing.doctor import Doctor
from bot.installing.lifecycle import Lifecycle
from bot.portals.forgetting import Forgetting
from bot.portals.visitors import Visitor
from bot.story.connect import ConnectLinks
from bot.web.frame import Form, Frame
from bot.web.journal_page import JournalPage
from bot.web.settings_page import SettingsPage

log = logging.getLogger(__name__)

View = Callable[[Visitor, Form], Awaitable[dict[str, Any]]]

HOME = "home"
# What shows times: a script puts them into the time zone of the browser, if no other is known.
TIMED = ("state", "journal", "settings")


@dataclass(eq=False)
class AppPage:
    """The page, in its views: one for everybody, the others for administrators."""

    _frame: Frame
    _links: ConnectLinks
    _doctor: Doctor
    _lifecycle: Lifecycle
    _settings: SettingsPage
    _journal: JournalPage
    _forgetting: Forgetting

    def __post_init__(self) -> None:
        self._views: dict[str, View] = {
            "state": self._state,
            "repair": self._repair,
            "erase": self._erase,
            "settings": self._settings.show,
            "save": self._settings.save,
            "journal": self._journal.show,
        }

    async def receive(self, request: web.Request) -> web.StreamResponse:
        """Open the page, or take one of its forms."""
        return await self._frame.receive(request, partial(self._answer, request))

    async def _answer(
        self, request: web.Request, visitor: Visitor, visit: Visit | None, posted: Form
    ) -> web.StreamResponse:
        if visit and visitor.is_admin:
            self._lifecycle.adopt(visitor.portal, visitor.user_id)
        wish = str(posted.get("view", HOME))
        if wish == "csv" and visitor.is_admin:
            return await self._journal.download(request, visitor, posted)
        view = self._views.get(wish)
        if view is None or not visitor.is_admin:
            values = await self._home(visitor, is_refused=view is not None or wish == "csv")
        else:
            values = await view(visitor, posted)
        scripted = not visitor.chose_zone and values["view"] in TIMED
        return await self._frame.show("app.html.j2", visitor, scripted=scripted, **values)

    async def _home(self, visitor: Visitor, *, is_refused: bool) -> dict[str, Any]:
        return {
            "view": HOME,
            "is_refused": is_refused,
            "commands": await self._settings.commands(visitor),
            "link": self._links.make(visitor.portal.member_id, visitor.user_id),
        }

    async def _state(self, visitor: Visitor, _posted: Form) -> dict[str, Any]:
        checks = await self._doctor.check(visitor.portal)
        told = {"repaired": None, "erased": None, "unread": False}
        return {"view": "state", "checks": checks, **told}

    async def _erase(self, visitor: Visitor, posted: Form) -> dict[str, Any]:
        """Erase what is stored of one person of the portal; the log keeps who wanted it."""
        person, portal = read_number(str(posted.get("person", "")).strip()) or 0, visitor.portal
        rows, is_clear = 0, "sure" in posted and person != 0
        if is_clear and person != portal.bot_id:
            rows = await self._forgetting.person(portal.member_id, person)
            log.warning("portal %s: user %d has had what is stored of user %d erased",
                        portal.member_id, visitor.user_id, person)  # fmt: skip
        state = await self._state(visitor, posted)
        return {**state, "erased": rows if is_clear else None, "unread": not is_clear}

    async def _repair(self, visitor: Visitor, posted: Form) -> dict[str, Any]:
        portal, repaired = visitor.portal, True
        try:
            portal = await self._lifecycle.repair(portal, visitor.user_id)
        except (Bitrix24Error, TimeoutError) as error:
            log.error("portal %s is not repaired: %s", portal.member_id, error)
            repaired = False
        seen = await self._state(replace(visitor, portal=portal), posted)
        return {**seen, "repaired": repaired}
