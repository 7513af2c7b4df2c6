"""One call, alone or in a batch: the method, the token, the rights, the scope, the answer."""

from sandbox.errors import RestRefused
from sandbox.model import User
from sandbox.rest.params import Params
from sandbox.rest.registry import Call, Methods
from sandbox.state import State
from sandbox.tokens import Token


def dispatch(
    state: State, methods: Methods, name: str, token: Token | None, values: dict[str, object]
) -> object:
    """The method's result; whatever is in the way of it is raised as a refusal."""
    fault = state.faults.take_error(name, token.user_id if token else None)
    if fault is not None:
        raise fault.quoting(token.access if token else "")
    method = methods.find(name)
    if method is None:
        raise RestRefused("ERROR_METHOD_NOT_FOUND", "Method not found!", 404)
    proven, user = authorize(state, token)
    if method.scopes and not set(method.scopes) & set(state.app.scopes):
        text = "The request requires higher privileges than provided by the webhook token"
        raise RestRefused("insufficient_scope", text, 403)
    if overlooked := state.faults.take_result(name, proven.user_id):
        return overlooked.value
    params = Params(values, exact=method.exact)
    return method.answer(Call(state, user, proven, params))


def authorize(state: State, token: Token | None) -> tuple[Token, User]:
    """The token's owner, if the token is good and the app is open to him."""
    if token is None:
        raise RestRefused("NO_AUTH_FOUND", "Wrong authorization data", 401)
    if state.tokens.expired(token):
        raise RestRefused("expired_token", "The access token provided has expired", 401)
    user = state.users.get(token.user_id)
    if user is None or not user.active:
        raise RestRefused("authorization_error", "Unable to authorize user", 401)
    if not user.app_access:
        text = "The user does not have access to the application"
        raise RestRefused("user_access_error", text, 403)
    return token, user
