"""People in an open-line chat. Methods: imopenlines.crm.chat.user.add and its siblings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.bitrix24.calls import Call
from bot.bitrix24.entities import CrmItem, Person
from bot.bitrix24.errors import Bitrix24Error, Refused
from bot.bitrix24.numerals import read_number, read_numbers
from bot.bitrix24.requester import LOOK, Changes, Requester
from bot.bitrix24.rows import read_rows
from bot.bitrix24.texts import read_text
from bot.store.journal import Answered, Step

ADD = "imopenlines.crm.chat.user.add"
DELETE = "imopenlines.crm.chat.user.delete"

# Steps are counted within a command; those that mend something first have numbers of their own.
MENDING = 1000

AFTER = "after"


@dataclass(frozen=True, slots=True)
class Target:
    """Whose people are meant: an item, and its chat where that is known.

    Without ``chat_id`` the portal takes the item's last chat; ``last_chat`` is what that seems
    to be. ``here``: it is the chat that the command was typed in.
    """

    item: CrmItem
    chat_id: int = 0
    last_chat: int = 0
    here: bool = False


@dataclass(frozen=True, slots=True)
class Membership:
    """What came of adding or removing one person.

    ``chat_id`` is 0 where the item has no chat; ``changed`` is ``None`` where nobody knows;
    ``ignored``: the portal says yes, and has not done it.
    """

    person: Person
    chat_id: int = 0
    changed: bool | None = None
    ignored: bool = False
    refused: Refused | None = None


@dataclass(frozen=True, slots=True)
class Dialog:
    """An open-line dialog as the portal shows it."""

    id: int
    items: tuple[CrmItem, ...]
    owner_id: int
    name: str
    entity_data_1: str
    entity_data_2: str


class OpenLines:
    """Open-line chats, as the requester may see and change them."""

    def __init__(self, requester: Requester) -> None:
        self._requester = requester

    async def dialog(self, chat_id: int) -> Dialog:
        """Look a dialog up: ``imopenlines.dialog.get``. Raises ``Refused``."""
        found = await self._requester.ask(Call("imopenlines.dialog.get", {"CHAT_ID": chat_id}))
        return _dialog(chat_id, found if isinstance(found, Mapping) else {})

    async def last_chat(self, item: CrmItem) -> int:
        """Say which chat of an item the portal used last; 0 where it has none or does not say."""
        call = Call("imopenlines.crm.chat.getLastId", _item(item))
        try:
            found = await self._requester.ask(call)
        except Refused:
            return 0
        return read_number(found) or 0

    async def chats(self, item: CrmItem) -> list[tuple[int, str]]:
        """List an item's active chats with the titles of their connectors."""
        try:
            found = await self._requester.ask(Call("imopenlines.crm.chat.get", _item(item)))
        except Bitrix24Error:
            return []
        return [
            (chat_id, read_text(row.get("CONNECTOR_TITLE") or row.get("CONNECTOR_ID")))
            for row in read_rows(found)
            if (chat_id := read_number(row.get("CHAT_ID")))
        ]

    async def members(self, chat_id: int) -> list[int]:
        """List who is in a chat; nobody where the requester may not see it."""
        found = await self._requester.ask(Call("im.chat.user.list", {"CHAT_ID": chat_id}))
        return list(read_numbers(found))

    async def queue(self, line_id: int) -> list[int]:
        """List the operators of an open line: ``imopenlines.config.get``."""
        params = {"CONFIG_ID": line_id, "WITH_QUEUE": "Y"}
        found = await self._requester.ask(Call("imopenlines.config.get", params))
        return list(read_numbers(found.get("QUEUE"))) if isinstance(found, Mapping) else []

    async def add(self, target: Target, people: Sequence[Person]) -> list[Membership]:
        """Add people to a chat of an item, all in one request, each with a result of his own."""
        changes = await self._change(ADD, target, people, _is_member)
        return [
            _membership(target, one, changes.answers[n], _is_missing(changes.seen, one))
            for n, one in enumerate(people)
        ]

    async def remove(self, target: Target, people: Sequence[Person]) -> list[Membership]:
        """Remove people from a chat of an item, all in one request, each with his own result."""
        changes = await self._change(DELETE, target, people, _is_stranger)
        return [
            _membership(target, one, changes.answers[n], ignored=False)
            for n, one in enumerate(people)
        ]

    async def take_back(self, steps: Sequence[Step], chat_id: int) -> Mapping[int, Answered]:
        """Make the opposite calls of an earlier command."""
        look = Call("im.chat.user.list", {"CHAT_ID": chat_id})

        def is_done(members: Any, step: Step) -> bool | None:
            is_member = _is_member(members, step)
            return is_member if step.method == ADD or is_member is None else not is_member

        return (await self._requester.change(steps, look, is_done)).answers

    async def create_lead(self, chat_id: int) -> Answered:
        """Let a chat that is bound to nothing have a lead: ``imopenlines.crm.lead.create``."""
        step = Step(MENDING, "imopenlines.crm.lead.create", {"CHAT_ID": chat_id}, 0)
        return await self._mend(step, lambda dialog: bool(dialog.items))

    async def start_session(self, chat_id: int) -> Answered:
        """Begin a finished dialog anew: ``imopenlines.session.start``."""
        step = Step(MENDING, "imopenlines.session.start", {"CHAT_ID": chat_id}, 0)
        return await self._mend(step, lambda dialog: None)

    async def hide(self, chat_id: int) -> Answered:
        """Switch a chat's hidden mode on: ``imopenlines.session.mode.silent``."""
        params = {"CHAT_ID": chat_id, "ACTIVATE": "Y"}
        step = Step(MENDING, "imopenlines.session.mode.silent", params, 0)
        return await self._mend(step, lambda dialog: None)

    async def delete_message(self, chat_id: int, message_id: int) -> Answered:
        """Delete a message of the requester's own: ``im.message.delete``."""
        step = Step(MENDING, "im.message.delete", {"MESSAGE_ID": message_id}, 0)
        look = Call("imopenlines.dialog.get", {"CHAT_ID": chat_id})
        changes = await self._requester.change([step], look, lambda found, step: None)
        return changes.answers[MENDING]

    async def _mend(self, step: Step, is_mended: Any) -> Answered:
        chat_id = step.params["CHAT_ID"]

        def is_done(found: Any, step: Step) -> bool | None:
            mended = isinstance(found, Mapping) and is_mended(_dialog(chat_id, found))
            return mended if isinstance(mended, bool) else None

        look = Call("imopenlines.dialog.get", {"CHAT_ID": chat_id})
        return (await self._requester.change([step], look, is_done)).answers[step.number]

    async def _change(
        self, method: str, target: Target, people: Sequence[Person], is_done: Any
    ) -> Changes:
        steps = [
            Step(number, method, _params(target, person), person.id)
            for number, person in enumerate(people)
        ]
        look = Call("im.chat.user.list", {"CHAT_ID": target.chat_id or target.last_chat})
        return await self._requester.change(steps, look, is_done, {AFTER: look})


def _item(item: CrmItem) -> dict[str, Any]:
    return {"CRM_ENTITY_TYPE": item.type, "CRM_ENTITY": item.id}


def _params(target: Target, person: Person) -> dict[str, Any]:
    chat = {"CHAT_ID": target.chat_id} if target.chat_id else {}
    return {**_item(target.item), "USER_ID": person.id, **chat}


def _dialog(chat_id: int, found: Mapping[str, Any]) -> Dialog:
    data_1, data_2 = (read_text(found.get(f"entity_data_{number}")) for number in (1, 2))
    return Dialog(
        chat_id,
        tuple(CrmItem.all_bound(data_2, data_1)),
        read_number(found.get("owner")) or 0,
        read_text(found.get("name")),
        data_1,
        data_2,
    )


def _is_member(members: Any, step: Step) -> bool | None:
    return _is_in(members, step.person_id)


def _is_stranger(members: Any, step: Step) -> bool | None:
    is_member = _is_in(members, step.person_id)
    return None if is_member is None else not is_member


def _is_in(members: Any, person_id: int) -> bool | None:
    # An empty list is what a stranger to the chat is shown: it proves nothing.
    if not isinstance(members, list) or not members:
        return None
    return str(person_id) in {str(member) for member in members}


def _is_missing(seen: Mapping[str, Any], person: Person) -> bool:
    """Say whether somebody who was added is not to be seen: external people are left out so."""
    before, after = (_is_in(seen.get(name), person.id) for name in (LOOK, AFTER))
    return after is False and before is False


def _membership(target: Target, person: Person, answer: Answered, ignored: bool) -> Membership:
    if refused := answer.refused:
        return Membership(person, refused=refused)
    # The change is made: whatever the portal answers, nothing may break here.
    told = read_number(answer.result)
    if told is None and (answer.result is None or answer.result):
        told = target.chat_id
    chat_id = told or 0
    return Membership(person, chat_id, answer.changed, ignored=ignored and bool(chat_id))
