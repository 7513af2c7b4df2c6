"""The `auth` maps of events: which keys they have, and whose token they carry."""

from sandbox.apps import App
from sandbox.model import User
from sandbox.state import State
from sandbox.tokens import ACCESS_LIFETIME, Token


def of_app(state: State, app: App) -> dict[str, object]:
    """The keys that are there even when nobody's token is (ONAPPUNINSTALL, a robot's hit)."""
    return {
        "domain": state.domain,
        "server_endpoint": state.server_endpoint,
        "client_endpoint": state.client_endpoint,
        "member_id": state.member_id,
        "application_token": app.application_token,
    }


def of_token(state: State, token: Token, *, refresh: bool) -> dict[str, object]:
    """The keys with a token in them."""
    app = state.apps[token.client_id]
    block: dict[str, object] = {
        "access_token": token.access,
        "expires": int(token.expires_at),
        "expires_in": ACCESS_LIFETIME,
        "scope": ",".join(app.scopes),
        "status": "L",
        "user_id": token.user_id,
        **of_app(state, app),
    }
    if refresh:
        block["refresh_token"] = token.refresh
    return block


def of_actor(state: State, app: App, actor: User | None, *, refresh: bool) -> dict[str, object]:
    """The top-level block of a bot event: the token of the hit's user, as the faults want it."""
    kind = state.faults.events.tokens
    token = _token_at_the_top(state, app, actor, kind)
    if token is None:
        return of_app(state, app)
    block = of_token(state, token, refresh=refresh and kind != "no_refresh")
    if kind == "no_user_id":
        del block["user_id"]
    if kind == "mislabelled" and actor is not None:
        block["user_id"] = actor.id
    return block


def _token_at_the_top(state: State, app: App, actor: User | None, kind: str) -> Token | None:
    if kind in {"foreign", "mislabelled"}:
        return app.tokens.issue(state.faults.events.foreign_user_id, "user")
    if actor is None or kind == "none":
        return None
    if kind == "forged":
        return app.tokens.forge(actor.id, "user")
    # A customer writes through a connector: such a hit has no portal user.
    return None if actor.connector or actor.bot else app.tokens.issue(actor.id, "user")


def of_bot(state: State, app: App, bot_id: int) -> dict[str, object]:
    """`data[bot][auth]`: the token of the bot's own user, as the faults want it."""
    faults = state.faults.events
    match faults.bot_auth:
        case "none":
            return {}
        case "forged":
            token = app.tokens.forge(bot_id, "bot")
        case "foreign":
            token = app.tokens.issue(faults.foreign_user_id, "user")
        case _:
            token = app.tokens.issue(bot_id, "bot")
    block = of_token(state, token, refresh=True)
    return {**block, "user_id": bot_id, "client_id": app.client_id}
