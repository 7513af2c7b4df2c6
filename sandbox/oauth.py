"""The authorization server, on its own address: /oauth/token/ and its app.info."""

import asyncio
from hmac import compare_digest

from aiohttp import web

from sandbox import auth_blocks
from sandbox.apps import App
from sandbox.clock import iso
from sandbox.errors import RestRefused
from sandbox.hostile import HOSTILE, hostile
from sandbox.keys import STATE
from sandbox.rest.dispatch import known
from sandbox.rest.envelope import failure, success
from sandbox.state import State
from sandbox.tokens import Token

MOST_BYTES = 64 * 1024

_TEXTS = {
    "invalid_request": "The request is malformed",
    "invalid_client": "Wrong client_id or client_secret, or the app is not installed",
    "invalid_grant": "Wrong code or refresh token",
    "PAYMENT_REQUIRED": "Payment required",
}


def add_routes(app: web.Application) -> None:
    """Put the authorization server's addresses into an application."""
    for path in ("/oauth/token/", "/oauth/token"):
        app.router.add_get(path, token)
        app.router.add_post(path, token)
    for path in ("/rest/app.info", "/rest/app.info/", "/rest/app.info.json"):
        app.router.add_get(path, app_info)
        app.router.add_post(path, app_info)


async def token(request: web.Request) -> web.StreamResponse:
    """Exchange a code or a refresh token; every answer is JSON and not to be stored."""
    state = request.app[STATE]
    if state.faults.oauth == "slow":
        await asyncio.sleep(state.faults.oauth_delay)
    if state.faults.oauth in HOSTILE:
        return await hostile(request, state.faults.oauth)
    grant, error = "", ""
    try:
        asked = await _asked(request)
        grant = asked.get("grant_type", "")
        issued = _grant(state, asked)
        told_owner = grant == "refresh_token" or state.faults.code_tells_owner
        return _json(200, _body(state, issued, told_owner=told_owner))
    except RestRefused as refused:
        error = refused.code
        return _json(refused.status, refused.body())
    finally:
        _note(state, grant, error)


async def app_info(request: web.Request) -> web.Response:
    """`app.info`, the answer that an app may trust; unlike the portal's, it names the token."""
    state = request.app[STATE]
    started = state.clock.now()
    try:
        fields = await _asked(request)
        token = state.find_token(fields.get("auth") or fields.get("access_token", ""))
        proven = known(state, token)
    except RestRefused as refused:
        return _json(refused.status, failure(state, refused))
    return _json(200, success(state, _info(state, proven), started))


async def _asked(request: web.Request) -> dict[str, str]:
    fields = dict(request.query)
    if request.method == "POST":
        try:
            form = await request.post()
        except ValueError:
            raise _refused("invalid_request") from None
        fields |= {key: value for key, value in form.items() if isinstance(value, str)}
    return fields


def _grant(state: State, asked: dict[str, str]) -> Token:
    if state.faults.oauth == "closed":
        raise RestRefused("temporarily_unavailable", "The server is closed", 503)
    if state.faults.oauth_error:
        raise _refused(state.faults.oauth_error)
    tokens = _client(state, asked).tokens
    match asked.get("grant_type"):
        case "authorization_code":
            issued = tokens.redeem(asked.get("code", ""))
        case "refresh_token":
            issued = tokens.rotate(asked.get("refresh_token", ""))
        case _:
            raise _refused("invalid_request")
    if issued is None:
        raise _refused("invalid_grant")
    return issued


def _client(state: State, asked: dict[str, str]) -> App:
    """The app that asks, if it knows its secret and is on the portal."""
    app = state.apps.get(asked.get("client_id", ""))
    secret = asked.get("client_secret", "").encode()
    if app is None or not compare_digest(secret, app.client_secret.encode()) or not app.present:
        raise _refused("invalid_client")
    return app


def _body(state: State, issued: Token, *, told_owner: bool) -> dict[str, object]:
    """The pair; `domain` is here the authorization server's own, unlike in events.

    Whose it is, is told of a renewed pair only, not to who brings a code.
    """
    domain = state.oauth_url.partition("://")[2]
    block = {**auth_blocks.of_token(state, issued, refresh=True), "domain": domain}
    block |= state.faults.grant
    unsaid = {"application_token"} if told_owner else {"application_token", "user_id"}
    return {name: value for name, value in block.items() if name not in unsaid}


def _info(state: State, token: Token) -> dict[str, object]:
    app = state.apps[token.client_id]
    scope = ",".join(app.scopes)
    return {
        "client_id": app.client_id,
        "scope": scope,
        "expires": iso(token.expires_at),
        "install": {
            "installed": app.installed,
            "version": str(app.version),
            "status": "L",
            "scope": scope,
            "domain": state.domain,
            "uri": state.url,
            "client_endpoint": state.client_endpoint,
            "member_id": state.member_id,
            "member_type": "BUS",
        },
        "user_id": token.user_id,
    }


def _note(state: State, grant: str, error: str) -> None:
    state.journal.refreshes.append(
        {"grant": grant, "error": error or None, "at": state.clock.now()}
    )


def _refused(code: str) -> RestRefused:
    return RestRefused(code, _TEXTS.get(code, code), 402 if code == "PAYMENT_REQUIRED" else 400)


def _json(status: int, body: dict[str, object]) -> web.Response:
    return web.json_response(body, status=status, headers={"Cache-Control": "no-store"})
