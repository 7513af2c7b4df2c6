"""Puts the program together; the only place that does."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

from aiohttp import ClientSession, DummyCookieJar, TCPConnector, web

import handlers
from bot.bitrix24.access import Access
from bot.bitrix24.bucket import Buckets
from bot.bitrix24.checkup import Checkups
from bot.bitrix24.client import Client
from bot.bitrix24.crm import Crm
from bot.bitrix24.groups import Groups
from bot.bitrix24.notices import Notices
from bot.bitrix24.oauth import AppKeys, OAuth
from bot.bitrix24.open_lines import OpenLines
from bot.bitrix24.patience import Patience
from bot.bitrix24.people import Users
from bot.bitrix24.plans import Bucket, Plans
from bot.bitrix24.requester import Requester
from bot.colleagues import Colleagues
from bot.commands.arrivals import Arrivals
from bot.commands.past import Past
from bot.commands.people import People
from bot.commands.policy import Policy
from bot.commands.router import Router
from bot.commands.runner import Again, Runner, Workshop
from bot.commands.targets import Targets
from bot.connect import Connect, Links
from bot.diagnosis import Diagnosis
from bot.dispatcher import Dispatcher
from bot.doctor import Doctor, PortalDoctor
from bot.endings import refusal_names
from bot.engine.backlog import Backlog
from bot.engine.engine import Engine
from bot.engine.jobs import Jobs
from bot.engine.lanes import Lanes
from bot.errors import StoreUnavailable
from bot.figures import Figures
from bot.installation import Installation
from bot.letters import Letters
from bot.lifecycle import Lifecycle
from bot.presses import Buttons
from bot.registration import Registration
from bot.rendering import Wording
from bot.replaying import Replaying
from bot.replies import PRESS, Replies
from bot.settings import Settings
from bot.store.audit import Audit
from bot.store.buckets import SharedBuckets
from bot.store.cipher import Cipher
from bot.store.database import Database, engine_for
from bot.store.figures import SharedFigures
from bot.store.history import History
from bot.store.inbox import Accepted, Inbox
from bot.store.journal import Journal
from bot.store.keyring import check_keys
from bot.store.migrate import check_schema
from bot.store.portal_settings import PortalSettingsStore
from bot.store.portals import Portal, Portals
from bot.store.preferences import Preferences
from bot.store.presses import Presses
from bot.store.replays import Replays
from bot.store.retention import Retention
from bot.store.states import States
from bot.store.stays import Stays
from bot.store.tokens import Tokens
from bot.timers import Timers
from bot.visitors import Visitors
from bot.waiting import Waiting
from bot.web.app_page import AppPage
from bot.web.callers import Callers
from bot.web.connect import Connecting
from bot.web.events import Events
from bot.web.health import Health
from bot.web.install import Install
from bot.web.journal_page import JournalPage
from bot.web.metrics import Metrics
from bot.web.pages import Pages
from bot.web.requests import MAX_BODY, Forms
from bot.web.settings_page import SettingsPage
from bot.web.welcome import Welcome

STOP_PATIENCE = 18.0

HEALTH = web.AppKey("health", Health)
EVENTS = web.AppKey("events", Events)


Maker = Callable[[Portal, Accepted], Any]


@dataclass(frozen=True, slots=True)
class Memory:
    """What commands are carried out with, besides the portal."""

    wording: Wording
    settings: PortalSettingsStore
    preferences: Preferences
    stays: Stays
    history: History
    buttons: Buttons


@dataclass(frozen=True, slots=True)
class Parts:
    """What a process is made of, with or without its web side."""

    database: Database
    cipher: Cipher
    portals: Portals
    tokens: Tokens
    inbox: Inbox
    client: Client
    oauth: OAuth
    access: Access
    patience: Patience
    wording: Wording
    backlog: Backlog
    engine: Engine
    states: States
    waiting: Waiting
    memory: Memory
    timers: Timers
    registration: Registration
    installation: Installation
    links: Links
    doctor: Doctor
    figures: Figures
    shared_figures: SharedFigures
    replays: Replays


@asynccontextmanager
async def running(settings: Settings, *, working: bool = True) -> AsyncIterator[Parts]:
    """Give everything but the web side, at work; leaving lets running commands finish.

    Not ``working`` (PostgreSQL only) leaves the commands to other processes.
    """
    async with assembled(settings, working=working) as parts:
        await parts.engine.start()
        retention = Retention(parts.database, settings.inbox_days, settings.journal_days)
        background = [
            asyncio.create_task(parts.waiting.keep_sweeping()),
            asyncio.create_task(parts.timers.keep_looking()),
            asyncio.create_task(retention.run()),
            asyncio.create_task(parts.shared_figures.keep_telling()),
            asyncio.create_task(Replaying(parts.replays, parts.engine).keep_looking()),
        ]
        try:
            yield parts
        finally:
            for task in background:
                task.cancel()
            await parts.engine.stop(STOP_PATIENCE)
            with suppress(StoreUnavailable):
                await parts.shared_figures.tell()


@asynccontextmanager
async def assembled(settings: Settings, *, working: bool = True) -> AsyncIterator[Parts]:
    """Give everything but the web side, not at work: for looking, not for acting.

    Raises ``SchemaOutdated``, ``WrongKeys``.
    """
    database_engine = engine_for(settings.database_url.get_secret_value())
    check_schema(database_engine)
    cipher = Cipher(settings.encryption_keys)
    check_keys(database_engine, cipher)
    database = Database(database_engine)
    connector = TCPConnector(limit=0)
    try:
        async with ClientSession(connector=connector, cookie_jar=DummyCookieJar()) as session:
            yield _parts(settings, database, cipher, session, working=working)
    finally:
        await database.close()


@asynccontextmanager
async def serving(settings: Settings, *, working: bool = True) -> AsyncIterator[web.Application]:
    """Give the web application, ready to take events."""
    async with running(settings, working=working) as parts:
        lifecycle = Lifecycle(parts.installation, parts.registration, parts.portals, parts.tokens)
        lifecycle.start()
        try:
            yield _web(parts, lifecycle, settings)
        finally:
            await lifecycle.stop()


@cache
def _wording() -> Wording:
    # A template is compiled once in a process, however often the program is put together in it.
    return Wording()


def _parts(
    settings: Settings,
    database: Database,
    cipher: Cipher,
    session: ClientSession,
    *,
    working: bool,
) -> Parts:
    portals, tokens = Portals(database, cipher), Tokens(database, cipher)
    inbox, journal, backlog = Inbox(database), Journal(database), Backlog(database)
    shared = database.engine.dialect.name == "postgresql"
    decisions = PortalSettingsStore(database)
    usual = Bucket(settings.portal_bucket, settings.portal_rate)
    plans = Plans(usual, decisions.is_enterprise)
    pace = SharedBuckets(database, plans) if shared else Buckets(plans)
    patience = Patience(settings.retry_for)
    router = handlers.router
    figures = Figures([*(one.name for one in router.all), PRESS], refusal_names())
    client = Client(session, pace, settings.rest_timeout, figures)
    keys = AppKeys(settings.bitrix24_client_id, settings.bitrix24_client_secret)
    oauth = OAuth(session, keys, settings.bitrix24_oauth_urls, settings.rest_timeout, figures)
    access = Access(client, portals, tokens, oauth)
    wording = _wording()
    memory = Memory(
        wording=wording,
        settings=decisions,
        preferences=Preferences(database),
        stays=Stays(database),
        history=History(database),
        buttons=Buttons(Presses(database)),
    )
    registration = Registration(access, portals, router, wording, patience, settings.public_url)
    doctor = Doctor(access, registration, database)
    workshop = collaborators(access, journal, patience, router, memory, doctor, figures)
    replies = Replies(access, patience, pace)
    links, states = Links(cipher, settings.public_url), States(database)
    dispatcher = Dispatcher(
        Runner(router, workshop, memory.settings),
        portals,
        inbox,
        wording,
        Letters(wording, memory.preferences, memory.settings, memory.buttons),
        memory.buttons,
        memory.preferences,
        replies,
        links,
        figures,
    )
    engine: Engine = (
        Jobs(database, inbox, dispatcher.dispatch, working=working)
        if shared
        else Lanes(inbox, backlog, dispatcher.dispatch)
    )
    return Parts(
        database=database,
        cipher=cipher,
        portals=portals,
        tokens=tokens,
        inbox=inbox,
        client=client,
        oauth=oauth,
        access=access,
        patience=patience,
        wording=wording,
        backlog=backlog,
        engine=engine,
        states=states,
        waiting=Waiting(inbox, tokens, states, engine),
        memory=memory,
        timers=Timers(memory.stays, inbox, engine, memory.buttons, memory.preferences),
        registration=registration,
        links=links,
        doctor=doctor,
        figures=figures,
        shared_figures=SharedFigures(database, figures),
        replays=Replays(database),
        installation=Installation(client, oauth, portals, tokens),
    )


def _web(parts: Parts, lifecycle: Lifecycle, settings: Settings) -> web.Application:
    pages = Pages()
    callers = Callers(settings.trusted_proxies)
    forms = Forms(callers)
    health = Health(parts.database)
    metrics = Metrics(settings.metrics_token, parts.shared_figures)
    events = Events(
        forms,
        callers,
        parts.portals,
        parts.tokens,
        parts.inbox,
        parts.backlog,
        parts.engine,
        parts.wording,
        lifecycle,
        parts.figures,
    )
    install = Install(forms, callers, parts.installation, parts.registration, pages)
    connecting = Connecting(_connect(parts), pages)
    app_page = _app_page(parts, forms, callers, pages, lifecycle)
    welcome = Welcome(pages, settings.public_url)
    application = web.Application(client_max_size=MAX_BODY)
    application.add_routes(
        [
            web.post("/bitrix24/events", events.receive),
            web.post("/bitrix24/install", install.receive),
            web.post("/bitrix24/app", app_page.receive),
            web.get("/bitrix24/connect", connecting.begin, allow_head=False),
            web.get("/bitrix24/oauth", connecting.finish, allow_head=False),
            # Where the card has no address of its own for it, people come back to the page.
            web.get("/bitrix24/app", connecting.finish, allow_head=False),
            web.get("/", welcome.show),
            web.get("/healthz", health.alive),
            web.get("/readyz", health.readiness),
            web.get("/metrics", metrics.show, allow_head=False),
        ]
    )
    application[HEALTH] = health
    application[EVENTS] = events
    return application


def _app_page(
    parts: Parts, forms: Forms, callers: Callers, pages: Pages, lifecycle: Lifecycle
) -> AppPage:
    names = list(handlers.router.commands)
    colleagues = Colleagues(parts.access)
    visitors = Visitors(
        parts.cipher,
        parts.portals,
        parts.tokens,
        parts.access,
        parts.memory.preferences,
        parts.waiting.take_up,
    )
    settings = SettingsPage(parts.memory.settings, colleagues, parts.wording, names)
    journal = JournalPage(Audit(parts.database), colleagues, pages, names)
    return AppPage(
        forms, callers, pages, visitors, parts.links, parts.doctor, lifecycle, settings, journal
    )


def _connect(parts: Parts) -> Connect:
    return Connect(
        parts.cipher,
        parts.portals,
        parts.tokens,
        parts.states,
        parts.oauth,
        parts.access,
        parts.waiting.take_up,
    )


def close(application: web.Application) -> None:
    """Take no more events, and say so to those who watch."""
    application[HEALTH].ready = False
    application[EVENTS].open = False


def collaborators(
    access: Access,
    journal: Journal,
    patience: Patience,
    router: Router,
    memory: Memory,
    doctor: Doctor,
    figures: Figures,
) -> Workshop:
    """Say how to make what handlers ask for by type. Raises ``TypeError`` for what nobody makes."""

    def requester(portal: Portal, command: Accepted) -> Requester:
        return Requester(access, journal, patience, portal, command, figures)

    def of_portal(type_: Callable[[Requester], Any]) -> Maker:
        return lambda portal, command: type_(requester(portal, command))

    def diagnosis(portal: Portal, command: Accepted) -> Diagnosis:
        return Diagnosis(requester(portal, command), command.reference)

    def arrivals(portal: Portal, command: Accepted) -> Arrivals:
        asks = requester(portal, command)
        lines, crm = OpenLines(asks), Crm(asks)
        return Arrivals(lines, crm, diagnosis(portal, command), memory.stays, command)

    makers: dict[type[Any], Maker] = {
        Again: lambda portal, command: None,  # the runner makes it
        Requester: requester,
        Router: lambda portal, command: router,
        OpenLines: of_portal(OpenLines),
        Users: of_portal(Users),
        Crm: of_portal(Crm),
        Groups: of_portal(Groups),
        Notices: of_portal(Notices),
        Checkups: of_portal(Checkups),
        PortalDoctor: lambda portal, command: PortalDoctor(doctor, portal),
        Targets: of_portal(lambda asks: Targets(OpenLines(asks))),
        People: of_portal(lambda asks: People(Users(asks), OpenLines(asks), Crm(asks))),
        Policy: of_portal(lambda asks: Policy(Users(asks), memory.settings)),
        Diagnosis: diagnosis,
        Arrivals: arrivals,
        Past: lambda portal, command: Past(memory.history, command),
        Stays: lambda portal, command: memory.stays,
        Preferences: lambda portal, command: memory.preferences,
        PortalSettingsStore: lambda portal, command: memory.settings,
        Wording: lambda portal, command: memory.wording,
    }
    for command in router.all:
        for name, type_ in command.takes.items():
            if type_ not in makers:
                raise TypeError(f"/{command.name} asks for {name}, which nobody makes")
    return lambda type_, portal, command: makers[type_](portal, command)
