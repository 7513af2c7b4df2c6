"""The `auth` maps of events: which keys they have, and whose token they carry."""

from sandbox.model import User
from sandbox.state import State
from sandbox.tokens import ACCESS_LIFETIME, Token


def of_app(state: State) -> dict[str, object]:
    """The keys that are there even when nobody's token is (ONAPPUNINSTALL, a robot's hit)."""
    return {
        "domain": state.domain,
        "server_endpoint": state.server_endpoint,
        "client_endpoint": state.client_endpoint,
        "member_id": state.settings.member_id,
        "application_token": state.app.application_token,
    }


def of_token(state: State, token: Token, *, refresh: bool) -> dict[str, object]:
    """The keys with a token in them."""
    block: dict[str, object] = {
        "access_token": token.access,
        "expires": int(token.expires_at),
        "expires_in": ACCESS_LIFETIME,
        "scope": ",".join(state.app.scopes),
        "status": "L",
        "user_id": token.user_id,
        **of_app(state),
    }
    if refresh:
        block["refresh_token"] = token.refresh
    return block


def of_actor(state: State, actor: User | None, *, refresh: bool) -> dict[str, object]:
    """The top-level block of a bot event: the token of the hit's user, as the faults want it."""
    faults = state.faults.events
    owner = None if actor is None or actor.connector or actor.bot else actor.id
    if faults.tokens == "foreign":
        owner = faults.foreign_user_id
    # A customer writes through a connector: such a hit has no portal user.
    if owner is None or faults.tokens == "none":
        return of_app(state)
    token = state.tokens.issue(owner, "user")
    block = of_token(state, token, refresh=refresh and faults.tokens != "no_refresh")
    if faults.tokens == "no_user_id":
        del block["user_id"]
    return block


def of_bot(state: State, bot_id: int) -> dict[str, object]:
    """`data[bot][auth]`: the token of the bot's own user."""
    token = state.tokens.issue(bot_id, "bot")
    return {**of_token(state, token, refresh=True), "client_id": state.app.client_id}
