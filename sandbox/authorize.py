"""/oauth/authorize/: the portal signs a person in and sends them back with a code."""

from urllib.parse import urlencode

from aiohttp import web

from sandbox.apps import App
from sandbox.keys import STATE
from sandbox.rest.params import integer
from sandbox.state import State

_USUAL_VISITOR = 7


def add_routes(app: web.Application) -> None:
    """Put the portal's authorization page into an application."""
    app.router.add_get("/oauth/authorize/", authorize)
    app.router.add_get("/oauth/authorize", authorize)


async def authorize(request: web.Request) -> web.Response:
    """Redirect to the app's address; who cannot be authorised sees the portal's error instead.

    The visitor is `user_id` of the query, else the `sandbox_user` cookie, else Olga.
    """
    state = request.app[STATE]
    app = state.apps.get(request.query.get("client_id", ""))
    if app is None or not app.installed:
        return web.Response(status=400, text="Application is not installed")
    if not app.redirect_url:
        return web.Response(status=400, text="The application has no redirect address")
    visitor = _visitor(request)
    person = state.users.get(visitor)
    if person is None or not person.active or person.bot or person.connector:
        return web.Response(status=403, text="Access denied")
    if not person.app_access:
        return web.Response(status=403, text="The application is not open to you")
    return _back(state, app, app.tokens.issue_code(visitor), request.query.get("state"))


def _visitor(request: web.Request) -> int:
    for given in (request.query.get("user_id"), request.cookies.get("sandbox_user")):
        if given is not None:
            return integer(given) or 0
    return _USUAL_VISITOR


def _back(state: State, app: App, code: str, opaque: str | None) -> web.Response:
    fields = {
        "code": code,
        **({"state": opaque} if opaque is not None else {}),
        "domain": state.domain,
        "member_id": state.member_id,
        "scope": ",".join(app.scopes),
        "server_domain": state.oauth_url.partition("://")[2],
    }
    joint = "&" if "?" in app.redirect_url else "?"
    return web.Response(
        status=302, headers={"Location": app.redirect_url + joint + urlencode(fields)}
    )
