"""POST /bitrix24/app: the app's page in the portal's frame.

Everything on it is a form, and every form carries the visitor's session (see `visitors`): the
page works without scripts and without cookies. What only administrators may do is done after
the portal has said, in the same request, that the visitor is one.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from aiohttp import web

from bot.bitrix24 import form
from bot.bitrix24.errors import Bitrix24Error
from bot.bitrix24.events import MalformedEvent
from bot.bitrix24.numerals import read_number
from bot.bitrix24.oauth import origin
from bot.bitrix24.visits import Visit
from bot.errors import StoreUnavailable
from bot.installing.doctor import Doctor
from bot.installing.lifecycle import Lifecycle
from bot.portals.forgetting import Forgetting
from bot.portals.visitors import Stranger, Visitor, Visitors
from bot.story.connect import Links
from bot.web.callers import Callers
from bot.web.journal_page import JournalPage
from bot.web.pages import Pages
from bot.web.requests import Forms
from bot.web.settings_page import SettingsPage

log = logging.getLogger(__name__)

Form = Mapping[str, Any]
View = Callable[[Visitor, Form], Awaitable[dict[str, Any]]]

HOME = "home"
# What shows times: a script puts them into the time zone of the browser, if no other is known.
TIMED = ("state", "journal", "settings")


@dataclass(eq=False)
class AppPage:
    """The page, in its views: one for everybody, the others for administrators."""

    _forms: Forms
    _callers: Callers
    _pages: Pages
    _visitors: Visitors
    _links: Links
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
        try:
            posted = await self._forms.read(request)
            visit = Visit.read(posted, request.query) if "AUTH_ID" in posted else None
        except (form.MalformedForm, MalformedEvent) as error:
            return web.Response(status=400, text=f"malformed form: {error}\n")
        if visit:
            self._callers.admit(request)
        visitor: Visitor | None = None
        try:
            visitor = await self._visitor(visit, posted)
            self._callers.proved(request)
            return await self._answer(request, visitor, {} if visit else posted)
        except Stranger as stranger:
            self._callers.charge(request)
            return await self._excuse(visit, stranger, 403)
        except (Bitrix24Error, StoreUnavailable) as error:
            log.error("the app's page cannot be shown: %s", error)
            why = visitor.turned_away("page_server") if visitor else Stranger("page_server")
            return await self._excuse(visit, why, 503)

    async def _visitor(self, visit: Visit | None, posted: Form) -> Visitor:
        if visit is None:
            asked = (str(posted.get(name, "")) for name in ("session", "zone"))
            return await self._visitors.again(*asked)
        visitor = await self._visitors.enter(visit, self._pages.language(visit.language))
        if visitor.is_admin:
            await self._lifecycle.adopt(visitor.portal, visitor.user_id)
        return visitor

    async def _answer(
        self, request: web.Request, visitor: Visitor, posted: Form
    ) -> web.StreamResponse:
        wish = str(posted.get("view", HOME))
        if wish == "csv" and visitor.is_admin:
            return await self._journal.download(request, visitor, posted)
        view = self._views.get(wish) if visitor.is_admin else None
        values = await view(visitor, posted) if view else await self._home(visitor)
        return await self._pages.show(
            "app.html.j2",
            visitor.language,
            framed_by=origin(visitor.portal.client_endpoint),
            time_zone=visitor.time_zone,
            scripted=not visitor.chose_zone and values["view"] in TIMED,
            visitor=visitor,
            session=self._visitors.session(visitor),
            **values,
        )

    async def _home(self, visitor: Visitor) -> dict[str, Any]:
        return {
            "view": HOME,
            "commands": await self._settings.commands(visitor),
            "link": self._links.make(visitor.portal.member_id, visitor.user_id),
        }

    async def _state(self, visitor: Visitor, _posted: Form) -> dict[str, Any]:
        checks = await self._doctor.portal(visitor.portal)
        return {"view": "state", "checks": checks, "repaired": None, "erased": None}

    async def _erase(self, visitor: Visitor, posted: Form) -> dict[str, Any]:
        """Erase what is stored of one person of the portal; the log keeps who wanted it."""
        person, portal = read_number(posted.get("person")) or 0, visitor.portal
        rows = 0
        if "sure" in posted and person not in (0, portal.bot_id):
            rows = await self._forgetting.person(portal.member_id, person)
            log.warning("portal %s: user %d has had what is stored of user %d erased",
                        portal.member_id, visitor.user_id, person)  # fmt: skip
        return {**await self._state(visitor, posted), "erased": rows}

    async def _repair(self, visitor: Visitor, posted: Form) -> dict[str, Any]:
        portal, repaired = visitor.portal, True
        try:
            portal = await self._lifecycle.repair(portal, visitor.user_id)
        except (Bitrix24Error, TimeoutError) as error:
            log.error("portal %s is not repaired: %s", portal.member_id, error)
            repaired = False
        seen = await self._state(replace(visitor, portal=portal), posted)
        return {**seen, "repaired": repaired}

    async def _excuse(
        self, visit: Visit | None, stranger: Stranger, status: int
    ) -> web.StreamResponse:
        """Say why not, where the visit says it comes from: there is nothing else on that page."""
        if visit:
            log.warning("somebody is not shown the app's page: %s", stranger.notice)
        return await self._pages.show(
            "notice.html.j2",
            self._pages.language(stranger.language, visit.language if visit else ""),
            status=status,
            framed_by=stranger.home or (visit.claimed_origin if visit else ""),
            notice=stranger.notice,
        )
