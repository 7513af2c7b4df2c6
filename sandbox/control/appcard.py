"""What an administrator does with the app: install, update, remove; and the reset."""

import secrets

from aiohttp import ClientError, web

from sandbox import lifecycle
from sandbox.apps import App
from sandbox.control import body
from sandbox.control.acts import the_bot
from sandbox.courier import is_http_url
from sandbox.errors import ControlRefused
from sandbox.keys import COURIER, STATE
from sandbox.model import User
from sandbox.state import State

_USUAL_ADMINISTRATOR = 1


def add_routes(app: web.Application) -> None:
    """Put the app's card into an application."""
    app.router.add_post("/sandbox/install", install)
    app.router.add_post("/sandbox/update", update)
    app.router.add_post("/sandbox/unregister", unregister)
    app.router.add_post("/sandbox/uninstall", uninstall)
    app.router.add_post("/sandbox/reset", reset)


async def install(request: web.Request) -> web.Response:
    """Install the app: ONAPPINSTALL goes to `handler`, whose HTTP status is the answer."""
    state, asked = request.app[STATE], await body.read(request)
    user = _administrator(state, asked)
    app = card(state, asked)
    payload = lifecycle.install(state, app, user.id)
    try:
        status = await request.app[COURIER].post_now(app.install_url, payload)
    except (ClientError, TimeoutError, OSError) as reason:
        raise ControlRefused(
            f"the handler cannot be reached: {type(reason).__name__}", 502
        ) from None
    return web.json_response({"status": status})


async def update(request: web.Request) -> web.Response:
    """A new version: ONAPPUPDATE with the tokens of who updates, to those who have bound it."""
    state, asked = request.app[STATE], await body.read(request)
    app = _installed(state, asked)
    user = _administrator(state, asked)
    new = asked.flag("new_application_token")
    return web.json_response({"sent": lifecycle.update(state, app, user.id, new_token=new)})


async def unregister(request: web.Request) -> web.Response:
    """Delete a bot, as an administrator can: ONIMBOTV2DELETE is its last event."""
    state, asked = request.app[STATE], await body.read(request)
    by = _administrator(state, asked)
    bot = the_bot(state, asked.number("bot_id") if asked.has("bot_id") else None)
    lifecycle.unregister(state, bot, by)
    return web.json_response({"bot_id": bot.id})


async def uninstall(request: web.Request) -> web.Response:
    """Remove the app: ONAPPUNINSTALL to those who have bound it; all its tokens are dead."""
    state, asked = request.app[STATE], await body.read(request)
    app = _installed(state, asked)
    sent = lifecycle.uninstall(state, app, clean=asked.flag("clean"))
    return web.json_response({"sent": sent})


async def reset(request: web.Request) -> web.Response:
    """The seed again; the app is not installed."""
    request.app[STATE].reset()
    return web.json_response({"ok": True})


def _administrator(state: State, asked: body.Body) -> User:
    """Who does it; any employee may, so that a scene can try whom it likes."""
    given = asked.number("user_id") if asked.has("user_id") else _USUAL_ADMINISTRATOR
    user = body.person(state, given)
    if not user.employee or not user.active:
        raise ControlRefused(f"user {user.id} cannot manage apps", 403)
    return user


def _installed(state: State, asked: body.Body) -> App:
    app = body.app(state, asked)
    if not app.installed:
        raise ControlRefused("the app is not installed", 409)
    return app


def card(state: State, asked: body.Body) -> App:
    """The app that a body names, with the addresses that it gives.

    A client id that is new comes with a `client_secret`: the portal gets one more app.
    """
    given = {name: asked.text(name) for name in ("handler", "app", "redirect")}
    for name, url in given.items():
        if (url or name == "handler") and not is_http_url(url):
            raise ControlRefused(f"{name}: an http address is needed")
    app = _added(state, asked) if asked.has("client_secret") else body.app(state, asked)
    app.install_url = given["handler"]
    app.app_url = given["app"] or app.app_url
    app.redirect_url = given["redirect"] or app.redirect_url
    return app


def _added(state: State, asked: body.Body) -> App:
    client_id, secret = asked.text("client_id", least=1), asked.text("client_secret", least=1)
    if client_id in state.apps:
        raise ControlRefused("there is an app of that client_id already", 409)
    return state.add_app(client_id, secret, secrets.token_hex(16))
