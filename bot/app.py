"""Puts the program together, but for its web side, which ``bot/web/application.py`` adds."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import cache
from uuid import uuid4

from aiohttp import ClientSession, DummyCookieJar, SocketFactoryType, TCPConnector

import handlers
from bot.acting.history import History
from bot.acting.journal import Journal
from bot.bitrix24.bucket import Buckets
from bot.bitrix24.client import Client
from bot.bitrix24.documented import CODES, METHODS
from bot.bitrix24.network import public_socket
from bot.bitrix24.oauth import AppKeys, OAuth
from bot.bitrix24.patience import Patience
from bot.bitrix24.plans import OWNERS, PAGES, WHOLE, Bucket, Plans
from bot.commands.runner import Runner
from bot.errors import StoreUnavailable
from bot.figures import Figures
from bot.inbox.backlog import Backlog
from bot.inbox.engine import Engine
from bot.inbox.escalations import Escalations
from bot.inbox.inbox import Inbox
from bot.inbox.lanes import FIRST, Lanes
from bot.inbox.pressed import PRESS
from bot.inbox.runs import Runs
from bot.inbox.stays import Stays
from bot.installing.doctor import Doctor
from bot.installing.installation import Installation
from bot.installing.overview import Overview
from bot.installing.registration import Registration
from bot.portals.access import Access
from bot.portals.keyring import check_keys
from bot.portals.portals import Portals
from bot.portals.preferences import Preferences
from bot.portals.proof import Proof
from bot.portals.retention import HOUR, Retention
from bot.portals.settings import PortalSettingsStore
from bot.portals.states import States
from bot.portals.tokens import Tokens
from bot.settings import Settings
from bot.store.cipher import Cipher
from bot.store.database import Database, engine_for
from bot.store.figures import SharedFigures
from bot.store.schema import check_schema
from bot.story.buttons import Buttons
from bot.story.collaborators import Memory, collaborators
from bot.story.connect import Links
from bot.story.dispatcher import Dispatcher
from bot.story.letters import Letters
from bot.story.presses import Presses
from bot.story.replays import Replays
from bot.story.replies import Replies
from bot.story.taking_longer import TakingLonger
from bot.story.timers import Timers
from bot.story.waiting import Waiting
from bot.wording.endings import refusal_names
from bot.wording.languages import Languages
from bot.wording.rendering import Wording

log = logging.getLogger(__name__)

STOP_PATIENCE = 18.0


@dataclass(frozen=True, slots=True)
class Parts:
    """What a process is made of, with or without its web side."""

    database: Database
    cipher: Cipher
    portals: Portals
    tokens: Tokens
    inbox: Inbox
    oauth: OAuth
    access: Access
    proof: Proof
    wording: Wording
    backlog: Backlog
    engine: Engine
    states: States
    waiting: Waiting
    memory: Memory
    registration: Registration
    installation: Installation
    links: Links
    doctor: Doctor
    figures: Figures
    shared_figures: SharedFigures
    replays: Replays
    # What is done again and again, and the seconds between.
    rounds: Sequence[tuple[Callable[[], Awaitable[object]], float]]


@asynccontextmanager
async def running(settings: Settings, *, working: bool = True) -> AsyncIterator[Parts]:
    """Give everything but the web side, at work; leaving lets running commands finish.

    Not ``working`` (PostgreSQL only) leaves the commands to other processes.
    """
    async with assembled(settings, working=working) as parts:
        await parts.engine.start()
        background = [asyncio.create_task(_repeat(*one)) for one in parts.rounds]
        try:
            yield parts
        finally:
            for task in background:
                task.cancel()
            await parts.engine.stop(STOP_PATIENCE)
            with suppress(StoreUnavailable):
                await parts.shared_figures.tell()


async def _repeat(work: Callable[[], Awaitable[object]], pause: float) -> None:
    """Do something every so many seconds, until cancelled; without the database it waits."""
    while True:
        try:
            await work()
        except StoreUnavailable as error:
            log.info("%s: not this time: %s", work.__qualname__, error)
        await asyncio.sleep(pause)


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
    guard = None if settings.takes_private_portals else public_socket
    try:
        # The authorization servers are the operator's choice, wherever they stand.
        async with _session(guard) as session, _session() as to_servers:
            yield _parts(settings, database, cipher, session, to_servers, working=working)
    finally:
        await database.close()


def _session(guard: SocketFactoryType | None = None) -> ClientSession:
    connector = TCPConnector(limit=0, socket_factory=guard)
    return ClientSession(connector=connector, cookie_jar=DummyCookieJar(), auto_decompress=False)


@cache
def _wording() -> Wording:
    # A template is compiled once in a process, however often the program is put together in it.
    return Wording()


def _parts(
    settings: Settings,
    database: Database,
    cipher: Cipher,
    session: ClientSession,
    to_servers: ClientSession,
    *,
    working: bool,
) -> Parts:
    portals, tokens = Portals(database, cipher), Tokens(database, cipher)
    # This process among those that share the database; on SQLite there are no others.
    name = uuid4().hex if _is_shared(database) else ""
    inbox, journal, backlog = Inbox(database, cipher), Journal(database, name), Backlog(database)
    links, states = Links(cipher, settings.public_url), States(database)
    patience, wording, router = Patience(settings.retry_for), _wording(), handlers.router
    buttons = Buttons(Presses(database))
    decisions, preferences = PortalSettingsStore(database), Preferences(database)
    memory = Memory(
        wording=wording,
        settings=decisions,
        preferences=preferences,
        languages=Languages(wording, preferences, decisions),
        stays=Stays(database),
        escalations=Escalations(database),
        history=History(database),
    )
    pace = Buckets(_plans(settings, database, memory.settings, working=working))
    names = [*(one.name for one in router.all), PRESS]
    figures = Figures(names, refusal_names(), METHODS, CODES)
    client = Client(session, pace, settings.rest_timeout, figures)
    keys = AppKeys(settings.bitrix24_client_id, settings.bitrix24_client_secret)
    oauth = OAuth(to_servers, keys, settings.bitrix24_oauth_urls, settings.rest_timeout, figures)
    access = Access(client, portals, tokens, oauth)
    proof = Proof(access, tokens, patience, figures)
    registration = Registration(
        access, portals, router, wording, patience, settings.public_url, oauth.client_id
    )
    doctor = Doctor(access, registration, Overview(database))
    workshop = collaborators(journal, patience, router, memory, doctor, figures)
    letters = Letters(wording, memory.languages, memory.settings, buttons)
    replies = Replies(access, proof, patience, pace, inbox)
    dispatcher = Dispatcher(
        Runner(router, workshop, memory.settings),
        proof,
        portals,
        inbox,
        letters,
        buttons,
        memory.preferences,
        TakingLonger(inbox, letters, wording, replies),
        replies,
        links,
        figures,
    )
    runs = Runs(inbox, dispatcher.dispatch)
    lanes = Lanes(inbox, backlog, runs.run, client.answering, first=FIRST if name else 1)
    engine = _shared(database, name, inbox, lanes, pace, working=working) if name else lanes
    appointments = (memory.stays, memory.escalations)
    waiting, replays = Waiting(inbox, states, engine, buttons), Replays(database, engine)
    shared_figures = SharedFigures(database, figures)
    days = settings.inbox_days, settings.journal_days, settings.left_days
    retention = Retention(database, portals, *days)
    return Parts(
        database=database,
        cipher=cipher,
        portals=portals,
        tokens=tokens,
        inbox=inbox,
        oauth=oauth,
        access=access,
        proof=proof,
        wording=wording,
        backlog=backlog,
        engine=engine,
        states=states,
        waiting=waiting,
        memory=memory,
        registration=registration,
        links=links,
        doctor=doctor,
        figures=figures,
        shared_figures=shared_figures,
        replays=replays,
        installation=Installation(client, oauth, portals, tokens),
        rounds=[
            (Timers(appointments, inbox, engine).look, 1.0),
            (replays.look, 1.0),
            (shared_figures.tell, 10.0),
            (waiting.sweep, 15.0),
            (retention.sweep, HOUR),
            *((one.forget_old, HOUR) for one in (buttons, preferences, *appointments)),
        ],
    )


def _plans(
    settings: Settings, database: Database, decisions: PortalSettingsStore, *, working: bool
) -> Plans:
    usual = Bucket(settings.portal_bucket, settings.portal_rate)
    share = WHOLE if not _is_shared(database) else OWNERS if working else PAGES
    return Plans(usual, decisions.is_enterprise, share)


def _shared(
    database: Database, name: str, inbox: Inbox, lanes: Lanes, pace: Buckets, *, working: bool
) -> Engine:
    # It takes 11 MiB of procrastinate and of PostgreSQL's driver.
    from bot.inbox.jobs import Jobs
    from bot.inbox.owners import Owners

    owners = Owners(database, name)
    return Jobs(database, inbox, owners, lanes, pace.inherit, working=working)


def _is_shared(database: Database) -> bool:
    return database.engine.dialect.name == "postgresql"
