"""The app's pages in frames: how the portal opens them, and the script they speak to it with."""

from pathlib import Path

from aiohttp import web

from sandbox import lifecycle
from sandbox.apps import App
from sandbox.control import body
from sandbox.control.appcard import card
from sandbox.entities_v2 import LANGUAGE
from sandbox.errors import ControlRefused
from sandbox.keys import STATE
from sandbox.model import User
from sandbox.state import State

_SCRIPT = Path(__file__).parents[1] / "web" / "static" / "bx24.js"


def add_routes(app: web.Application) -> None:
    """Put the frames into an application."""
    app.router.add_post("/sandbox/open", open_page)
    app.router.add_post("/sandbox/finish", finish_installation)
    # Bitrix24 serves its script at this path of api.bitrix24.com.
    app.router.add_get("/api/v1/", script)


async def open_page(request: web.Request) -> web.Response:
    """The address, form fields and frame name with which the portal would open a page.

    `which` is `app`, or `install` for the page that the administrator sees until it has called
    `BX24.installFinish`.
    """
    state, asked = request.app[STATE], await body.read(request)
    user = body.person(state, asked.number("user_id"))
    which = asked.one_of("which", "app", "install") if asked.has("which") else "app"
    opened = _install_page(state, asked, user) if which == "install" else _page(state, asked, user)
    return web.json_response(opened)


async def finish_installation(request: web.Request) -> web.Response:
    """The install page in the frame of that `app_sid` has called `BX24.installFinish`."""
    state, asked = request.app[STATE], await body.read(request)
    if not lifecycle.finish(state, asked.text("app_sid", least=1)):
        raise ControlRefused("there is no such installation going on", 409)
    return web.json_response({"ok": True})


async def script(_request: web.Request) -> web.FileResponse:
    """A stub of the script that gives pages in frames their `BX24`."""
    return web.FileResponse(_SCRIPT, headers={"Content-Type": "text/javascript; charset=utf-8"})


def _page(state: State, asked: body.Body, user: User) -> dict[str, object]:
    if not user.employee or not user.active or not user.app_access:
        raise ControlRefused(f"the app is not open to user {user.id}", 403)
    app = body.app(state, asked)
    if not app.installed or not app.app_url:
        raise ControlRefused("the app is not installed, or has no page", 409)
    placement = asked.text("placement") or "DEFAULT"
    return lifecycle.page(
        state,
        app,
        user,
        _placed_at(app, placement),
        placement=placement,
        options=asked.part("options").values() if asked.has("options") else {},
        language=_language(asked),
    )


def _install_page(state: State, asked: body.Body, user: User) -> dict[str, object]:
    if not user.employee or not user.active or not user.admin:
        raise ControlRefused(f"user {user.id} cannot install apps", 403)
    app = card(state, asked) if asked.has("handler") else body.app(state, asked)
    if not app.install_url:
        raise ControlRefused("handler: the address of the install page is needed")
    return lifecycle.open_installation(state, app, user, _language(asked))


def _language(asked: body.Body) -> str:
    language = asked.text("language") or LANGUAGE
    if len(language) > 10:
        raise ControlRefused("language: ru, en or the like is needed")
    return language


def _placed_at(app: App, placement: str) -> str:
    for placed in app.placements:
        if placed["placement"] == placement:
            return placed["handler"]
    return app.app_url
