"""imopenlines.session.*: a dialogue started anew, its hidden mode switched.

These methods name a bad parameter by the parameter's own name, and always with status 400.
"""

from sandbox import membership
from sandbox.errors import RestRefused, access_denied
from sandbox.messaging import notice
from sandbox.model import Chat, Session, SessionStatus
from sandbox.rest.access import has_access
from sandbox.rest.registry import Call, Methods

methods = Methods()


@methods.method("imopenlines.session.start", "imopenlines")
def start(call: Call) -> object:
    """Begin a new session of a closed dialogue, with the caller as its operator."""
    chat, session = dialogue(call)
    if not session.closed:
        return True
    now = int(call.state.clock.now())
    number = call.state.number("session")
    chat.session = Session(number, SessionStatus.OPERATOR, call.user.id, now)
    chat.owner, chat.activity_at = call.user.id, now
    membership.join(call.state, chat, call.user, call.user)
    notice(call.state, chat, f"{membership.mention(call.user)}: начат новый диалог")
    return True


@methods.method("imopenlines.session.mode.silent", "imopenlines")
def mode_silent(call: Call) -> object:
    """Switch the dialogue's hidden mode: ACTIVATE=Y on, anything else off."""
    chat, _session = dialogue(call)
    on = call.params.text("ACTIVATE").upper() == "Y"
    chat.data_3 = "Y" if on else "N"
    verb = "включён" if on else "выключен"
    notice(call.state, chat, f"{membership.mention(call.user)}: скрытый режим {verb}")
    return True


def dialogue(call: Call) -> tuple[Chat, Session]:
    """The open-line chat that CHAT_ID names, if the caller may work in it."""
    chat = call.state.chats.get(call.params.number("CHAT_ID"))
    if chat is None:
        raise RestRefused("CHAT_ID", "Неверный идентификатор чата")
    if chat.session is None:
        raise RestRefused("CHAT_TYPE", "Чат не является открытой линией")
    if not has_access(call.state, call.user, chat):
        raise access_denied("Недостаточно прав", 400)
    return chat, chat.session
