"""Puts the program together, but for its web side, which ``bot/web/application.py`` adds."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import cache, partial
from typing import get_args
from uuid import uuid4

from aiohttp import ClientSession, DummyCookieJar, SocketFactoryType, TCPConnector

import handlers
from bot.acting.history import History
from bot.acting.journal import Journal
from bot.bitrix24.bucket import OWNERS, PAGES, WHOLE, Bucket, Buckets, Plans
from bot.bitrix24.client import Client
from bot.bitrix24.documented import CODES, METHODS
from bot.bitrix24.network import public_socket
from bot.bitrix24.oauth import AppKeys, OAuth
from bot.bitrix24.retry import Retry
from bot.commands.runner import Runner
from bot.errors import StoreUnavailable, refusal_names
from bot.figures import Figures
from bot.inbox.accepted import PRESS
from bot.inbox.accepting import Accepting, Engine
from bot.inbox.backlog import Backlog
from bot.inbox.escalations import Escalations, How
from bot.inbox.inbox import Inbox
from bot.inbox.lanes import FIRST, Lanes
from bot.inbox.pending import Pending
from bot.inbox.runs import Runs
from bot.inbox.stays import Stays
from bot.installing.declared import Declared
from bot.installing.doctor import Doctor
from bot.installing.installation import Installation
from bot.installing.overview import Overview
from bot.installing.registration import Registration
from bot.portals.access import Access
from bot.portals.actor import Actor
from bot.portals.keyring import check_keys, note_key
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
from bot.story.connect import ConnectLinks
from bot.story.dispatcher import Dispatcher
from bot.story.doubts import Doubts
from bot.story.letters import Letters
from bot.story.replays import Replays
from bot.story.replies import Replies
from bot.story.taking_longer import TakingLonger
from bot.wording.rendering import Languages, Wording

log = logging.getLogger(__name__)

STOP_PATIENCE = 18.0

# How often it is looked what is due.
TICK = 1.0

# A template is compiled once in a process, however often the program is put together in it.
_wording = cache(Wording)

# Something to do, and the seconds until it is done again.
Recurring = tuple[Callable[[], Awaitable[object]], float]


class Parts:
    """What a process is made of, with or without its web side.

    ``recurring`` is what is done again and again, each with so many seconds between.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        cipher: Cipher,
        session: ClientSession,
        to_servers: ClientSession,
        *,
        working: bool,
    ) -> None:
        # This process among those that share the database; on SQLite there are no others.
        is_shared = database.engine.dialect.name == "postgresql"
        name = uuid4().hex if is_shared else ""
        self.database, self.cipher = database, cipher
        self.portals, self.tokens = Portals(database, cipher), Tokens(database, cipher)
        self.inbox, self.backlog = Inbox(database, cipher), Backlog(database)
        self.links, self.states = ConnectLinks(cipher, settings.public_url), States(database)
        self.portal_settings = PortalSettingsStore(database)
        self.preferences = Preferences(database)
        self.stays, self.escalations = Stays(database), Escalations(database)
        self.wording = _wording()
        self.languages = Languages(self.wording, self.preferences, self.portal_settings)
        retry, router = Retry(settings.retry_for), handlers.router
        usual = Bucket(settings.portal_bucket, settings.portal_rate)
        quota = WHOLE if not is_shared else OWNERS if working else PAGES
        pace = Buckets(Plans(usual, self.portal_settings.is_enterprise, quota))
        names = [*(one.name for one in router.all), PRESS]
        self.figures = Figures(names, refusal_names(), METHODS, CODES, get_args(How))
        self.shared_figures = SharedFigures(database, self.figures)
        client = Client(session, pace, settings.rest_timeout, self.figures)
        keys = AppKeys(settings.bitrix24_client_id, settings.bitrix24_client_secret)
        self.oauth = OAuth(
            to_servers, keys, settings.bitrix24_oauth_urls, settings.rest_timeout, self.figures
        )
        self.access = Access(client, self.portals, self.tokens, self.oauth)
        self.proof = Proof(self.access, self.tokens, retry, self.figures)
        self.installation = Installation(client, self.oauth, self.portals, self.tokens)
        declared = Declared(router, self.wording, settings.public_url, self.oauth.client_id)
        self.registration = Registration(self.access, self.portals, retry, declared)
        self.doctor = Doctor(self.access, declared, Overview(database))
        self.buttons = Buttons(database)
        letters = Letters(self.wording, self.languages, self.portal_settings, self.buttons)
        replies = Replies(self.access, self.proof, retry, pace, self.inbox)
        runner = Runner(
            router,
            self.portal_settings,
            retry,
            Journal(database, name),
            History(database),
            self.stays,
            self.escalations,
            self.preferences,
            self.wording,
            self.languages,
            self.doctor,
            self.figures,
        )
        dispatcher = Dispatcher(
            runner,
            Doubts(self.proof, self.inbox, self.preferences),
            partial(Actor, self.proof, self.access, self.tokens),
            self.portals,
            self.inbox,
            letters,
            self.buttons,
            self.preferences,
            TakingLonger(self.inbox, self.languages, self.wording, replies),
            replies,
            self.links,
            self.figures,
        )
        runs = Runs(self.inbox, dispatcher.dispatch)
        lanes = Lanes(
            self.inbox,
            self.backlog,
            runs.run,
            client.answering,
            first=FIRST if is_shared else 1,
            is_spelled=router.is_spelled,
        )
        self.engine: Engine = lanes
        if is_shared:
            self.engine = _shared(database, name, self.inbox, lanes, pace, working=working)
        appointments = (self.stays, self.escalations)
        self.accepting = Accepting(self.inbox, self.backlog, self.engine, appointments)
        self.pending = Pending(database, self.inbox, self.engine)
        self.replays = Replays(database, self.engine)
        days = settings.inbox_days, settings.journal_days, settings.left_days
        self.recurring: list[Recurring] = [
            (self.accepting.look, TICK),
            (self.replays.look, TICK),
            (self.shared_figures.tell, 10.0),
            (self.pending.sweep, 15.0),
            (Retention(database, self.portals, *days).sweep, HOUR),
        ]


@asynccontextmanager
async def running(settings: Settings, *, working: bool = True) -> AsyncIterator[Parts]:
    """Give everything but the web side, at work; leaving lets running commands finish.

    Not ``working`` (PostgreSQL only) leaves the commands to other processes.
    Raises ``StoreUnavailable`` where the database takes nothing.
    """
    async with assembled(settings, working=working) as parts:
        await parts.database.check()
        note_key(parts.database.engine, parts.cipher)
        await parts.engine.start()
        try:
            async with repeating(*parts.recurring):
                yield parts
        finally:
            await parts.engine.stop(STOP_PATIENCE)
            with suppress(StoreUnavailable):
                await parts.shared_figures.tell()


@asynccontextmanager
async def repeating(*recurring: Recurring) -> AsyncIterator[None]:
    """Do things again and again meanwhile, each with so many seconds between."""
    tasks = [asyncio.create_task(_repeat(*one)) for one in recurring]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()


async def _repeat(work: Callable[[], Awaitable[object]], pause: float) -> None:
    """Do something every so many seconds, until cancelled; without the database it waits.

    It begins after a tick: a program that starts has commands to carry out first.
    """
    await asyncio.sleep(min(pause, TICK))
    while True:
        try:
            await work()
        except StoreUnavailable as error:
            log.info("%s: not this time: %s", work.__qualname__, error)
        except Exception:
            # The next time may be better; without it guests would stay for ever.
            log.exception("%s failed", work.__qualname__)
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
            yield Parts(settings, database, cipher, session, to_servers, working=working)
    finally:
        await database.close()


def _session(guard: SocketFactoryType | None = None) -> ClientSession:
    connector = TCPConnector(limit=0, socket_factory=guard)
    return ClientSession(connector=connector, cookie_jar=DummyCookieJar(), auto_decompress=False)


def _shared(
    database: Database, name: str, inbox: Inbox, lanes: Lanes, pace: Buckets, *, working: bool
) -> Engine:
    # It takes 11 MiB of procrastinate and of PostgreSQL's driver.
    from bot.inbox.jobs import Jobs
    from bot.inbox.owners import Owners

    owners = Owners(database, name)
    return Jobs(database, inbox, owners, lanes, pace.inherit, working=working)
