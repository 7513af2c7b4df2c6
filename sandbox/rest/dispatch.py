"""One call, alone or in a batch: the method, the token, the rights, the scope, the answer."""

from sandbox.errors import RestRefused
from sandbox.model import User
from sandbox.rest.params import Params
from sandbox.rest.registry import Call, Methods
from sandbox.state import State
from sandbox.tokens import Token

# How the portal says that it does not know a token.
UNKNOWN = {
    "NO_AUTH_FOUND": "Wrong authorization data",
    "invalid_token": "Unable to get application by token",
}


def dispatch(
    state: State,
    methods: Methods,
    name: str,
    token: Token | None,
    values: dict[str, object],
    verdicts: dict[int, bool],
) -> object:
    """The method's result; whatever is in the way of it is raised as a refusal."""
    fault = state.faults.take_error(name, token.user_id if token else None)
    if fault is not None:
        raise fault.quoting(token.access if token else "")
    method = methods.find(name, state.revision)
    if method is None:
        raise RestRefused("ERROR_METHOD_NOT_FOUND", "Method not found!", 404)
    proven, user = authorize(state, token, dismissed=method.dismissed)
    if method.scopes and not set(method.scopes) & set(state.apps[proven.client_id].scopes):
        text = "The request requires higher privileges than provided by the webhook token"
        raise RestRefused("insufficient_scope", text, 403)
    if overlooked := state.faults.take_result(name, proven.user_id):
        return overlooked.value
    params = Params(values, exact=method.exact)
    return method.answer(Call(state, user, proven, params, verdicts))


def authorize(state: State, token: Token | None, *, dismissed: bool = False) -> tuple[Token, User]:
    """The token's owner, if the portal takes the token and the app is open to them.

    With `dismissed`, the owner may have left the company.
    """
    proven = known(state, token)
    if state.faults.always_expired:
        raise _expired()
    user = state.users.get(proven.user_id)
    if user is None or not (user.active or dismissed):
        raise RestRefused("authorization_error", "Unable to authorize user", 401)
    if not user.app_access:
        text = "The user does not have access to the application"
        raise RestRefused("user_access_error", text, 403)
    return proven, user


def known(state: State, token: Token | None) -> Token:
    """The token, if it has been issued and lives: what the authorization server can tell."""
    if token is None:
        raise RestRefused("NO_AUTH_FOUND", UNKNOWN["NO_AUTH_FOUND"], 401)
    if token.disowned:
        raise RestRefused(token.disowned, UNKNOWN[token.disowned], 401)
    if token.expires_at <= state.clock.now():
        raise _expired()
    return token


def _expired() -> RestRefused:
    return RestRefused("expired_token", "The access token provided has expired", 401)
