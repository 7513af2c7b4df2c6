"""The app on the portal: installed, opened, updated, removed."""

import json
import secrets
from urllib.parse import urlencode

from sandbox import auth_blocks, events
from sandbox import entities_v2 as v2
from sandbox.apps import App
from sandbox.model import Bot, User
from sandbox.state import State
from sandbox.tokens import ACCESS_LIFETIME


def install(state: State, app: App, user_id: int) -> dict[str, object]:
    """Install the app without its own page (`ONAPPINSTALL`): the event to be posted."""
    app.installed = True
    token = app.tokens.issue(user_id, "app")
    return {
        "event": "ONAPPINSTALL",
        "event_handler_id": 218,
        "data": {
            "VERSION": app.version,
            "ACTIVE": "Y",
            "INSTALLED": "Y",
            "LANGUAGE_ID": v2.LANGUAGE,
        },
        "ts": int(state.clock.now()),
        "auth": auth_blocks.of_token(state, token, refresh=True),
    }


def update(state: State, app: App, user_id: int, *, new_token: bool) -> int:
    """A new version (`ONAPPUPDATE`); its handlers have to be bound anew. Tells how many heard."""
    previous, app.version = app.version, app.version + 1
    if new_token:
        app.application_token = secrets.token_hex(16)
    token = app.tokens.issue(user_id, "app")
    data: dict[str, object] = {
        "VERSION": app.version,
        "PREVIOUS_VERSION": previous,
        "LANGUAGE_ID": v2.LANGUAGE,
    }
    auth = auth_blocks.of_token(state, token, refresh=True)
    heard = _tell(state, app, "ONAPPUPDATE", data, auth)
    app.handlers.clear()
    return heard


def unregister(state: State, bot: Bot, by: User) -> None:
    """Remove a bot with its commands and private talks (`ONIMBOTV2DELETE`, its last event)."""
    events.bot_deleted(state, bot, by)
    state.remove_bot(bot.id)


def uninstall(state: State, app: App, *, clean: bool) -> int:
    """Remove the app (`ONAPPUNINSTALL`) with its bots, handlers and tokens."""
    data: dict[str, object] = {"LANGUAGE_ID": v2.LANGUAGE, "CLEAN": int(clean)}
    heard = _tell(state, app, "ONAPPUNINSTALL", data, auth_blocks.of_app(state, app))
    for bot in [bot for bot in state.bots.values() if bot.client_id == app.client_id]:
        state.remove_bot(bot.id)
    app.handlers.clear()
    app.placements.clear()
    app.adding = app.installed = False
    app.tokens.clear()
    return heard


def page(
    state: State,
    app: App,
    person: User,
    url: str,
    *,
    kind: str = "user",
    placement: str = "DEFAULT",
    options: dict[str, object] | None = None,
    language: str = v2.LANGUAGE,
) -> dict[str, object]:
    """The request with which the portal opens a page of the app in its frame."""
    token = app.tokens.issue(person.id, kind)
    query = {
        "DOMAIN": state.domain,
        "PROTOCOL": str(int(state.url.startswith("https:"))),
        "LANG": language,
        "APP_SID": secrets.token_hex(16),
    }
    fields = {
        "AUTH_ID": token.access,
        "AUTH_EXPIRES": str(ACCESS_LIFETIME),
        "REFRESH_ID": token.refresh,
        "SERVER_ENDPOINT": state.server_endpoint,
        "APPLICATION_TOKEN": app.application_token,
        "APPLICATION_SCOPE": ",".join(app.scopes),
        "member_id": state.member_id,
        "status": "L",
        "PLACEMENT": placement,
    }
    if options:
        fields["PLACEMENT_OPTIONS"] = json.dumps(options, ensure_ascii=False)
    for name in state.faults.page_without:
        fields.pop(name, None)
    joint = "&" if "?" in url else "?"
    name = f"{query['DOMAIN']}|{query['PROTOCOL']}|{query['APP_SID']}"
    return {"url": url + joint + urlencode(query), "fields": fields, "name": name}


def open_installation(state: State, app: App, person: User, language: str) -> dict[str, object]:
    """The request that opens the install page: until `finish`, no event reaches the app."""
    app.adding = True
    opened = page(state, app, person, app.install_url, kind="app", language=language)
    app.installing.append(str(opened["name"]).rpartition("|")[2])
    return opened


def finish(state: State, app_sid: str) -> bool:
    """The install page has called `BX24.installFinish`; False: no such page is open."""
    for app in state.apps.values():
        if app.present and app_sid in app.installing:
            app.installing.clear()
            app.installed = True
            return True
    return False


def _tell(
    state: State, app: App, event: str, data: dict[str, object], auth: dict[str, object]
) -> int:
    urls = [url for bound, url in app.handlers if bound == event]
    for url in urls:
        events.send(state, app, event, url, data, auth)
    return len(urls)
