"""The web side of the program: what answers at which address, put on top of the other parts."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import cache

from aiohttp import web

import handlers
from bot.acting.audit import Audit
from bot.acting.groups import Groups
from bot.acting.records import Records
from bot.acting.requester import Requester
from bot.app import Parts, running
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
from bot.web.health import Health
from bot.web.install import Install
from bot.web.journal_page import JournalPage
from bot.web.metrics import Metrics
from bot.web.pages import Pages
from bot.web.requests import MAX_BODY, Forms
from bot.web.settings_page import SettingsPage
from bot.web.tab_page import TabPage
from bot.web.welcome import Welcome

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

HEALTH = web.AppKey("health", Health)
EVENTS = web.AppKey("events", Events)


@asynccontextmanager
async def serving(settings: Settings, *, working: bool = True) -> AsyncIterator[web.Application]:
    """Give the web application, ready to take events."""
    async with running(settings, working=working) as parts:
        lifecycle = _lifecycle(parts)
        lifecycle.start()
        try:
            yield _application(parts, lifecycle, settings)
        finally:
            await lifecycle.stop()


def close(application: web.Application) -> None:
    """Take no more events, and say so to those who watch."""
    application[HEALTH].ready = False
    application[EVENTS].open = False


def _application(parts: Parts, lifecycle: Lifecycle, settings: Settings) -> web.Application:
    pages = _pages()
    callers = Callers(settings.trusted_proxies)
    forms = Forms(callers)
    health = Health(parts.database, parts.engine)
    metrics = Metrics(settings.metrics_token, parts.shared_figures)
    events = Events(
        forms,
        callers,
        parts.portals,
        parts.inbox,
        parts.backlog,
        parts.engine,
        parts.wording,
        parts.memory.languages,
        lifecycle,
        parts.figures,
        handlers.router,
        parts.memory.escalations,
    )
    preferences = parts.memory.preferences
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
            *_at("/bitrix24/install", install.receive, welcome.install),
            *_at("/bitrix24/app", app_page.receive, _opened(connecting, welcome)),
            *_at("/bitrix24/tab", tab_page.receive, welcome.explain),
            *_at("/bitrix24/connect", connecting.consent, connecting.begin),
            web.get("/bitrix24/oauth", connecting.finish, allow_head=False),
            web.get("/bitrix24/oauth/", connecting.finish, allow_head=False),
            web.get("/", welcome.show),
            web.get("/healthz", health.alive),
            web.get("/readyz", health.readiness),
            web.get("/metrics", metrics.show, allow_head=False),
        ]
    )
    application[HEALTH] = health
    application[EVENTS] = events
    return application


@cache
def _pages() -> Pages:
    # A page is compiled once in a process, however often the program is put together in it.
    return Pages()


def _at(path: str, takes: Handler, explains: Handler) -> list[web.RouteDef]:
    """Take what the portal posts at a page's address, and tell a browser what it is for."""
    return [
        route
        for address in (path, f"{path}/")
        for route in (web.post(address, takes), web.get(address, explains, allow_head=False))
    ]


def _opened(connecting: Connecting, welcome: Welcome) -> Handler:
    """Where the card has no address of its own for it, people come back to the app's page."""

    async def opened(request: web.Request) -> web.StreamResponse:
        comes_back = request.query.keys() & {"code", "state"}
        return await (connecting.finish if comes_back else welcome.app)(request)

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
        parts.memory.preferences,
        parts.waiting.take_up,
    )


def _tab_page(parts: Parts, frame: Frame) -> TabPage:
    return TabPage(
        frame,
        Records(parts.access),
        PageActs(parts.cipher, parts.inbox, parts.backlog, parts.engine),
        Colleagues(parts.access),
        parts.memory.settings,
        parts.memory.escalations,
        parts.links,
    )


def _app_page(parts: Parts, frame: Frame, pages: Pages, lifecycle: Lifecycle) -> AppPage:
    names = list(handlers.router.commands)
    colleagues = Colleagues(parts.access)
    settings = SettingsPage(parts.memory.settings, colleagues, parts.wording, names)
    journal = JournalPage(
        Audit(parts.database), Overview(parts.database), colleagues, pages, _changing()
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
        parts.waiting,
    )


def _lifecycle(parts: Parts) -> Lifecycle:
    return Lifecycle(
        parts.installation,
        parts.registration,
        parts.access,
        parts.proof,
        parts.portals,
        parts.tokens,
        parts.memory.languages,
        parts.wording,
        parts.figures,
    )
