"""Why the portal refused: its code, its words, and read-only questions as the requester."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.bitrix24.client import Call
from bot.bitrix24.entities import ENTITY_TYPE_IDS, CrmItem, Person
from bot.bitrix24.errors import Bitrix24Error, Refused
from bot.bitrix24.requester import Requester
from bot.errors import (
    AccessUnclear,
    AppClosed,
    DialogFinished,
    DialogNotActive,
    MessengerMissing,
    NotAdded,
    PersonDismissed,
    PersonLacksHistory,
    PersonLacksItem,
    PersonUnavailable,
    PlanLacksRest,
    Refusal,
    RequesterLacksItem,
    RequesterLacksLine,
    ScopeMissing,
    SubscriptionEnded,
    UnknownRefusal,
    WrongRequest,
)

# Codes whose cause only the portal's data can tell.
_ASK_ITEM = frozenset({"ACCESS_DENIED"})
_ASK_CHATS = frozenset({"CHAT_NOT_IN_CRM"})
_ASK_PERSON = frozenset({"CRM_CHAT_USER_NOT_ACTIVE"})


@dataclass(frozen=True, slots=True)
class Denied:
    """One person the portal would not add, and what it said."""

    person: Person
    refused: Refused


class Diagnosis:
    """Finds the cause of a refusal; asks the portal at most once for all of them."""

    def __init__(self, requester: Requester, reference: str) -> None:
        self._requester = requester
        self._reference = reference

    async def explain(self, denied: Sequence[Denied], item: CrmItem, chat_id: int) -> list[Refusal]:
        """Give for each refusal of the portal one that its requester understands."""
        facts = await self._facts(denied, item)
        return [_explain(one, item, chat_id, facts, self._reference) for one in denied]

    async def _facts(self, denied: Sequence[Denied], item: CrmItem) -> Mapping[str, Any]:
        calls = _questions(denied, item)
        if not calls:
            return {}
        try:
            return await self._requester.ask_all(calls)
        except Bitrix24Error:
            # The refusal is certain, only its cause is not.
            return {}


def system_refusal(refused: Refused, reference: str) -> Refusal:
    """Explain an error that any method may answer with. Page: system-errors.md."""
    match refused.code:
        case "ACCESS_DENIED" if "commercial plans" in refused.description:
            return PlanLacksRest()
        case "insufficient_scope":
            return ScopeMissing()
        case "user_access_error" | "INVALID_CREDENTIALS":
            return AppClosed()
        case "PAYMENT_REQUIRED":
            return SubscriptionEnded()
        case "IM_NOT_INSTALLED":
            return MessengerMissing()
    return UnknownRefusal(refused.code, refused.description, reference)


def _questions(denied: Sequence[Denied], item: CrmItem) -> dict[str, Call]:
    codes = {one.refused.code for one in denied}
    bound = {"CRM_ENTITY_TYPE": item.type, "CRM_ENTITY": item.id}
    calls: dict[str, Call] = {}
    if codes & _ASK_ITEM:
        calls["item"] = Call(
            "crm.item.get", {"entityTypeId": ENTITY_TYPE_IDS[item.type], "id": item.id}
        )
    if codes & _ASK_CHATS:
        calls["active"] = Call("imopenlines.crm.chat.get", bound)
        calls["all"] = Call("imopenlines.crm.chat.get", {**bound, "ACTIVE_ONLY": "N"})
    for one in denied:
        if one.refused.code in _ASK_PERSON:
            calls[f"user{one.person.id}"] = Call("im.user.get", {"ID": one.person.id})
    return calls


def _explain(
    one: Denied, item: CrmItem, chat_id: int, facts: Mapping[str, Any], reference: str
) -> Refusal:
    person, refused = one.person, one.refused
    match refused.code:
        case "ACCESS_DENIED" if "commercial plans" not in refused.description:
            return _access(one, item, facts)
        case "CHAT_NOT_IN_CRM":
            return _dialog(item, chat_id, facts)
        case "CRM_CHAT_USER_NOT_ACTIVE":
            return _account(person, facts.get(f"user{person.id}"))
        case "WRONG_REQUEST":
            return NotAdded(person)
        case "ERROR_ARGUMENT":
            return WrongRequest(person, refused.code, reference)
    return system_refusal(refused, reference)


def _access(one: Denied, item: CrmItem, facts: Mapping[str, Any]) -> Refusal:
    # The texts may change: they are hints, the item itself is the better witness.
    found, said = facts.get("item"), one.refused.description.lower()
    fields = found.get("item") if isinstance(found, Mapping) else None
    if isinstance(found, Refused) and found.code in ("ACCESS_DENIED", "NOT_FOUND"):
        return RequesterLacksItem(item)
    if isinstance(fields, Mapping):
        item = item.model_copy(update={"title": str(fields.get("title") or "")})
    if "this crm" in said:
        return PersonLacksItem(one.person, item, _responsible(fields))
    if "chat history" in said:
        return PersonLacksHistory(one.person)
    if "join user" in said and isinstance(fields, Mapping):
        return RequesterLacksLine(item, one.person)
    return AccessUnclear(one.person, item)


def _responsible(fields: Any) -> Person | None:
    number = str(fields.get("assignedById") or "") if isinstance(fields, Mapping) else ""
    return Person(id=int(number)) if number.isdecimal() and int(number) else None


def _dialog(item: CrmItem, chat_id: int, facts: Mapping[str, Any]) -> Refusal:
    if chat_id in _chats(facts.get("all")) and chat_id not in _chats(facts.get("active")):
        return DialogFinished(item)
    return DialogNotActive(item)


def _chats(found: Any) -> set[int]:
    if not isinstance(found, list):
        return set()
    return {int(chat["CHAT_ID"]) for chat in found if str(chat.get("CHAT_ID", "")).isdecimal()}


def _account(person: Person, found: Any) -> Refusal:
    if isinstance(found, Refused) and found.code == "USER_NOT_EXISTS":
        return PersonDismissed(person)
    if isinstance(found, Mapping) and found.get("active") is False:
        return PersonDismissed(person)
    return PersonUnavailable(person)
