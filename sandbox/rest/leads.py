"""imopenlines.crm.lead.create: a chat without CRM gets a lead."""

from sandbox.errors import RestRefused
from sandbox.model import CrmItem
from sandbox.rest.registry import Call, Methods
from sandbox.rest.sessions import dialogue

methods = Methods()


@methods.method("imopenlines.crm.lead.create", "imopenlines")
def create(call: Call) -> object:
    """Create a lead for the chat; only the dialogue's operator may, and one lead is enough."""
    chat, session = dialogue(call)
    if session.operator_id != call.user.id:
        raise RestRefused("ERROR_USER_NOT_OPERATOR", "Вы не являетесь оператором диалога")
    if chat.bindings.get("LEAD"):
        return True
    number = call.state.number("lead")
    imol = f"imol|{chat.entity_id}"
    call.state.crm["LEAD", number] = CrmItem("LEAD", number, chat.name, call.user.id, imol=imol)
    chat.bindings["LEAD"], chat.data_2 = number, None
    chat.activity_at = call.state.clock.now()
    return True
