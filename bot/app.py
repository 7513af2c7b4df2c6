"""Puts the program together; the only place that does."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import ClientSession, DummyCookieJar, TCPConnector, web

import handlers
from bot.bitrix24.access import Access
from bot.bitrix24.bucket import Buckets
from bot.bitrix24.client import Client
from bot.bitrix24.oauth import AppKeys, OAuth
from bot.bitrix24.open_lines import OpenLines
from bot.bitrix24.patience import Patience
from bot.bitrix24.requester import Requester
from bot.commands.router import Router
from bot.diagnosis import Diagnosis
from bot.dispatcher import Dispatcher, Workshop
from bot.engine.lanes import Lanes
from bot.installation import Installation
from bot.registration import Registration
from bot.rendering import Wording
from bot.replies import Replies
from bot.settings import Settings
from bot.store.cipher import Cipher
from bot.store.database import Database, engine_for
from bot.store.inbox import Accepted, Inbox
from bot.store.journal import Journal
from bot.store.migrate import check_schema
from bot.store.portals import Portal, Portals
from bot.store.tokens import Tokens
from bot.web.events import Events
from bot.web.health import Health
from bot.web.install import Install
from bot.web.requests import MAX_BODY

STOP_PATIENCE = 20.0


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[web.Application]:
    """Give the application, ready to take events; leaving lets running commands finish."""
    engine = engine_for(settings.database_url.get_secret_value())
    check_schema(engine)
    database = Database(engine)
    connector = TCPConnector(limit=0)
    try:
        async with (
            ClientSession(connector=connector, cookie_jar=DummyCookieJar()) as session,
            _running(settings, database, session) as application,
        ):
            yield application
    finally:
        await database.close()


@asynccontextmanager
async def _running(
    settings: Settings, database: Database, session: ClientSession
) -> AsyncIterator[web.Application]:
    cipher = Cipher(settings.encryption_keys)
    portals, tokens = Portals(database, cipher), Tokens(database, cipher)
    inbox, journal = Inbox(database), Journal(database)
    patience = Patience(settings.retry_for)
    client = Client(session, Buckets(), settings.rest_timeout)
    keys = AppKeys(settings.bitrix24_client_id, settings.bitrix24_client_secret)
    oauth = OAuth(session, keys, settings.bitrix24_oauth_urls, settings.rest_timeout)
    access = Access(client, tokens, oauth)
    wording = Wording()
    router = handlers.router
    workshop = collaborators(access, journal, patience, router)
    replies = Replies(access, patience)
    dispatcher = Dispatcher(router, workshop, portals, inbox, wording, replies)
    engine = Lanes(inbox, dispatcher.dispatch)
    registration = Registration(access, portals, router, wording, patience, settings.public_url)
    installation = Installation(client, oauth, portals, tokens)
    health = Health(database)
    events = Events(portals, tokens, inbox, engine)
    install = Install(installation, registration)

    await engine.start()
    application = web.Application(client_max_size=MAX_BODY)
    application.add_routes(
        [
            web.post("/bitrix24/events", events.receive),
            web.post("/bitrix24/install", install.receive),
            web.get("/healthz", health.alive),
            web.get("/readyz", health.readiness),
        ]
    )
    try:
        yield application
    finally:
        await engine.stop(STOP_PATIENCE)


def collaborators(access: Access, journal: Journal, patience: Patience, router: Router) -> Workshop:
    """Say how to make what handlers ask for by type. Raises ``TypeError`` for what nobody makes."""

    def requester(portal: Portal, command: Accepted) -> Requester:
        return Requester(access, journal, patience, portal, command)

    makers: dict[type[Any], Callable[[Portal, Accepted], Any]] = {
        Requester: requester,
        Router: lambda portal, command: router,
        OpenLines: lambda portal, command: OpenLines(requester(portal, command)),
        Diagnosis: lambda portal, command: Diagnosis(requester(portal, command), command.reference),
    }
    for command in router.commands.values():
        for name, type_ in command.takes.items():
            if type_ not in makers:
                raise TypeError(f"/{command.name} asks for {name}, which nobody makes")
    return lambda type_, portal, command: makers[type_](portal, command)
