"""People in an open-line chat. Methods: imopenlines.crm.chat.user.add and its siblings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.bitrix24.client import Call
from bot.bitrix24.entities import CrmItem, Person
from bot.bitrix24.errors import Refused
from bot.bitrix24.requester import Requester
from bot.store.journal import Answered, Step


@dataclass(frozen=True, slots=True)
class Membership:
    """What came of adding one person.

    ``chat_id`` is 0 where the item has no chat; ``was_there`` is ``None`` where nobody knows.
    """

    person: Person
    chat_id: int = 0
    was_there: bool | None = None
    refused: Refused | None = None


class OpenLines:
    """Open-line chats, as the requester may see and change them."""

    def __init__(self, requester: Requester) -> None:
        self._requester = requester

    async def item_of(self, dialog_id: str) -> CrmItem | None:
        """Look up which CRM item a chat is bound to: ``imopenlines.dialog.get``."""
        dialog = await self._requester.ask(Call("imopenlines.dialog.get", {"DIALOG_ID": dialog_id}))
        dialog = dialog if isinstance(dialog, Mapping) else {}
        return CrmItem.bound(
            str(dialog.get("entity_data_2") or ""), str(dialog.get("entity_data_1") or "")
        )

    async def add(self, chat_id: int, item: CrmItem, people: Sequence[Person]) -> list[Membership]:
        """Add people to a chat of an item, all in one request, each with a result of his own."""
        steps = [
            Step(number, "imopenlines.crm.chat.user.add", _params(chat_id, item, person), person.id)
            for number, person in enumerate(people)
        ]
        look = Call("im.chat.user.list", {"CHAT_ID": chat_id})
        answers = await self._requester.change(steps, look, _is_member)
        return [_membership(chat_id, person, answers[n]) for n, person in enumerate(people)]


def _params(chat_id: int, item: CrmItem, person: Person) -> dict[str, Any]:
    return {
        "CRM_ENTITY_TYPE": item.type,
        "CRM_ENTITY": item.id,
        "USER_ID": person.id,
        "CHAT_ID": chat_id,
    }


def _is_member(members: Any, step: Step) -> bool | None:
    # An empty list is what a stranger to the chat is shown: it proves nothing.
    if not isinstance(members, list) or not members:
        return None
    return str(step.person_id) in {str(member) for member in members}


def _membership(chat_id: int, person: Person, answer: Answered) -> Membership:
    if answer.code is not None:
        refused = Refused(answer.code, str(answer.result), answer.status)
        return Membership(person, refused=refused)
    was_there = None if answer.changed is None else not answer.changed
    joined = chat_id if answer.result is None else int(answer.result)
    return Membership(person, joined, was_there)
