"""The frame of the portal that pages are opened in: who looks is proven first, or told why not.

Everything on a page is a form, and every form carries the visitor's session (see `visitors`): the
pages work without scripts and without cookies.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bot.bitrix24 import form
from bot.bitrix24.envelope import MalformedEvent
from bot.bitrix24.errors import Bitrix24Error
from bot.bitrix24.visits import Visit
from bot.errors import StoreUnavailable
from bot.portals.visitors import NotLetIn, Visitor, Visitors
from bot.web.callers import PROOF, Callers
from bot.web.pages import Pages
from bot.web.requests import Forms

log = logging.getLogger(__name__)

Form = Mapping[str, Any]

# Answers a visitor: one whose portal opens the page, or one who sends a form of it.
Respond = Callable[[Visitor, Visit | None, Form], Awaitable[web.StreamResponse]]


@dataclass(eq=False, slots=True)
class Frame:
    """Lets visitors in, and shows them pages that their portal alone can frame."""

    _forms: Forms
    _callers: Callers
    _pages: Pages
    _visitors: Visitors

    async def receive(self, request: web.Request, respond: Respond) -> web.StreamResponse:
        """Answer whoever opens a page, or sends a form of one.

        ``NotLetIn``, ``Bitrix24Error`` and ``StoreUnavailable`` of ``respond`` are told on a page.
        """
        try:
            posted = await self._forms.read(request)
            visit = Visit.read(posted, request.query) if "AUTH_ID" in posted else None
        except (form.MalformedForm, MalformedEvent) as error:
            return web.Response(status=400, text=f"malformed form: {error}\n")
        visitor: Visitor | None = None
        try:
            with self._callers.admitted(request) if visit else nullcontext():
                visitor = await self._visitor(visit, posted)
            self._callers.welcome(request)
            return await respond(visitor, visit, {} if visit else posted)
        except NotLetIn as reason:
            is_false = visit is not None and reason.notice == "page_proof"
            self._callers.charge(request, PROOF if is_false else 1.0)
            return await self.excuse(visit, reason, 403)
        except (Bitrix24Error, StoreUnavailable) as error:
            log.error("a page of the portal's frame cannot be shown: %s", error)
            why = visitor.turned_away("page_server") if visitor else NotLetIn("page_server")
            return await self.excuse(visit, why, 503)

    async def show(self, name: str, visitor: Visitor, **values: Any) -> web.Response:
        """Show a visitor a page; its next form carries their session."""
        return await self._pages.show(
            name,
            visitor.language,
            framed_by=visitor.portal.home,
            time_zone=visitor.time_zone,
            visitor=visitor,
            session=self._visitors.session(visitor),
            **values,
        )

    async def excuse(self, visit: Visit | None, why: NotLetIn, status: int) -> web.StreamResponse:
        """Say why not, where the visit says it comes from: there is nothing else on that page."""
        if visit:
            log.warning("somebody is not shown a page of the portal's frame: %s", why.notice)
        language = self._pages.language(why.language, visit.language if visit else "")
        home = why.home or (visit.claimed_origin if visit else "")
        return await self._pages.notice(why.notice, language, status, home)

    async def _visitor(self, visit: Visit | None, posted: Form) -> Visitor:
        if visit is None:
            asked = (str(posted.get(name, "")) for name in ("session", "zone"))
            return await self._visitors.again(*asked)
        return await self._visitors.enter(visit, self._pages.language(visit.language))
