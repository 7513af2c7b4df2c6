"""The web side of the program: what answers at which address, put on top of the other parts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache, partial
from http import HTTPStatus

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

import handlers
from bot.acting.groups import Groups
from bot.acting.history import History
from bot.acting.records import Records
from bot.acting.requester import Requester
from bot.app import Parts, repeating, running
from bot.commands.arrivals import Arrivals
from bot.commands.chain import Chains
from bot.commands.departures import Departures
from bot.installing.lifecycle import Lifecycle
from bot.installing.overview import Overview
from bot.portals.colleagues import Colleagues
from bot.portals.forgetting import Forgetting
from bot.portals.visitors import Visitors
from bot.settings import Settings
from bot.story.connect import Connect
from bot.story.page_acts import PageActs
from bot.web.app_page import AppPage
from bot.web.callers import Callers
from bot.web.connect import Connecting
from bot.web.events import Events
from bot.web.frame import Frame
from bot.web.install import Install
from bot.web.journal_page import JournalPage
from bot.web.pages import Pages
from bot.web.requests import MAX_BODY, Forms
from bot.web.settings_page import SettingsPage
from bot.web.status import Status
from bot.web.tab_page import TabPage
from bot.web.welcome import Welcome

# Seconds between two looks at what was said of portals.
LOOK_EVERY = 15.0

# A page is compiled once in a process, however often the program is put together in it.
_pages = cache(Pages)


@asynccontextmanager
async def serving(settings: Settings, *, working: bool = True) -> AsyncIterator[web.Application]:
    """Give the web application, ready to take events."""
    async with running(settings, working=working) as parts:
        lifecycle = _lifecycle(parts)
        async with lifecycle.at_work(), repeating((lifecycle.look, LOOK_EVERY)):
            yield _application(parts, lifecycle, settings)


def _application(parts: Parts, lifecycle: Lifecycle, settings: Settings) -> web.Application:
    pages = _pages()
    callers = Callers(settings.trusted_proxies)
    forms = Forms(callers)
    token = settings.metrics_token
    status = Status(parts.database, parts.engine, parts.shared_figures, token)
    events = Events(
        forms,
        callers,
        parts.portals,
        parts.accepting,
        parts.backlog,
        parts.wording,
        parts.languages,
        lifecycle,
        parts.figures,
        handlers.router,
        parts.escalations,
    )
    preferences = parts.preferences
    install = Install(forms, callers, parts.installation, parts.registration, preferences, pages)
    connecting = Connecting(_connect(parts), forms, callers, pages)
    frame = Frame(forms, callers, pages, _visitors(parts))
    app_page = _app_page(parts, frame, pages, lifecycle)
    tab_page = _tab_page(parts, frame)
    welcome = Welcome(pages, settings.public_url)
    application = web.Application(client_max_size=MAX_BODY)
    application.add_routes(
        [
            *_at("/bitrix24/events", events.receive, welcome.explain),
            *_at("/bitrix24/install", install.receive, partial(welcome.field, "install")),
            *_page("/bitrix24/app", app_page.receive, _opened(connecting, welcome)),
            *_at("/bitrix24/tab", tab_page.receive, welcome.explain),
            *_page("/bitrix24/connect", connecting.consent, connecting.begin),
            web.get("/bitrix24/oauth", connecting.finish, allow_head=False),
            web.get("/bitrix24/oauth/", _without_slash, allow_head=False),
            web.get("/", welcome.show),
            web.get("/healthz", status.alive),
            web.get("/readyz", status.readiness),
            web.get("/metrics", status.metrics, allow_head=False),
        ]
    )

    async def close(_application: web.Application) -> None:
        # Connections that are there may still ask.
        status.ready = events.open = False

    application.on_shutdown.append(close)
    return application


def _at(path: str, takes: Handler, explains: Handler) -> list[web.RouteDef]:
    """Take what the portal posts at a page's address, and tell a browser what it is for."""
    return [
        route
        for address in (path, f"{path}/")
        for route in (web.post(address, takes), web.get(address, explains, allow_head=False))
    ]


def _page(path: str, takes: Handler, shows: Handler) -> list[web.RouteDef]:
    """Show a page whose forms name what lies beside it: from behind a slash they would miss."""
    return [
        web.post(path, takes),
        web.get(path, shows, allow_head=False),
        web.post(f"{path}/", _without_slash),
        web.get(f"{path}/", _without_slash, allow_head=False),
    ]


async def _without_slash(request: web.Request) -> web.StreamResponse:
    """Send the browser on to the same address without the slash, with all that it has posted."""
    name = request.path.rstrip("/").rpartition("/")[2]
    query = request.rel_url.raw_query_string
    # Named from here: a proxy may have taken a path off.
    location = f"../{name}?{query}" if query else f"../{name}"
    headers = {hdrs.LOCATION: location, hdrs.CACHE_CONTROL: "no-store"}
    return web.Response(status=HTTPStatus.PERMANENT_REDIRECT, headers=headers)


def _opened(connecting: Connecting, welcome: Welcome) -> Handler:
    """Where the card has no address of its own for it, people come back to the app's page."""

    async def opened(request: web.Request) -> web.StreamResponse:
        if request.query.keys() & {"code", "state"}:
            return await connecting.finish(request)
        return await welcome.field("handler", request)

    return opened


def _changing() -> list[str]:
    """Name the commands that change something on the portal, by what they work with."""
    changes = {Arrivals, Chains, Departures, Groups, Requester}
    commands = handlers.router.commands.values()
    return [one.name for one in commands if changes.intersection(one.takes.values())]


def _visitors(parts: Parts) -> Visitors:
    return Visitors(
        parts.cipher,
        parts.portals,
        parts.tokens,
        parts.access,
        parts.preferences,
        parts.pending.take_up,
    )


def _tab_page(parts: Parts, frame: Frame) -> TabPage:
    return TabPage(
        frame,
        Records(parts.access),
        PageActs(parts.cipher, parts.accepting, parts.backlog, parts.inbox),
        Colleagues(parts.access),
        parts.portal_settings,
        parts.escalations,
        parts.links,
    )


def _app_page(parts: Parts, frame: Frame, pages: Pages, lifecycle: Lifecycle) -> AppPage:
    names = list(handlers.router.commands)
    colleagues = Colleagues(parts.access)
    settings = SettingsPage(parts.portal_settings, colleagues, parts.wording, names)
    journal = JournalPage(
        History(parts.database), Overview(parts.database), colleagues, pages, _changing()
    )
    return AppPage(
        frame,
        parts.links,
        parts.doctor,
        lifecycle,
        settings,
        journal,
        Forgetting(parts.database, parts.tokens),
    )


def _connect(parts: Parts) -> Connect:
    return Connect(
        parts.cipher,
        parts.portals,
        parts.tokens,
        parts.states,
        parts.oauth,
        parts.access,
        parts.pending,
        parts.buttons,
    )


def _lifecycle(parts: Parts) -> Lifecycle:
    return Lifecycle(
        parts.installation,
        parts.registration,
        parts.access,
        parts.proof,
        parts.portals,
        parts.tokens,
        parts.languages,
        parts.wording,
        parts.figures,
    )
