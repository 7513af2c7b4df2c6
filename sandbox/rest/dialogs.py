"""imopenlines.dialog.get: an open-line dialogue by any of its names."""

from sandbox import entities_im
from sandbox.errors import RestRefused
from sandbox.model import Chat
from sandbox.rest.access import has_access
from sandbox.rest.params import integer
from sandbox.rest.registry import Call, Methods

methods = Methods()


@methods.method("imopenlines.dialog.get", "imopenlines")
def get(call: Call) -> object:
    """The dialogue by CHAT_ID, DIALOG_ID, SESSION_ID or USER_CODE, for those it is open to."""
    chat = _asked(call)
    if chat is None or chat.entity_type != "LINES" or not has_access(call.state, call.user, chat):
        text = "You do not have access to the specified dialog"
        raise RestRefused("ACCESS_ERROR", text)
    return entities_im.dialog(chat, call.user.id)


def _asked(call: Call) -> Chat | None:
    dialog = call.params.text("DIALOG_ID")
    number = call.params.number("CHAT_ID")
    if not number and dialog.startswith("chat"):
        number = integer(dialog.removeprefix("chat")) or 0
    if number:
        return call.state.chats.get(number)
    session, code = call.params.number("SESSION_ID"), call.params.text("USER_CODE")
    return next((chat for chat in call.state.chats.values() if _is(chat, session, code)), None)


def _is(chat: Chat, session: int, code: str) -> bool:
    by_session = bool(session) and chat.session is not None and chat.session.id == session
    return by_session or (bool(code) and chat.entity_id == code)
