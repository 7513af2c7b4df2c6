"""People in an open-line chat. Methods: imopenlines.crm.chat.user.add and its siblings."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from bot.bitrix24.calls import Call
from bot.bitrix24.entities import CrmItem, Person
from bot.bitrix24.errors import Bitrix24Error, Refused, Unanswered
from bot.bitrix24.numerals import read_number, read_numbers
from bot.bitrix24.requester import AFTER, LOOK, Changes, IsDone, Requester
from bot.bitrix24.rows import rows, text
from bot.store.journal import Answered, Step

ADD = "imopenlines.crm.chat.user.add"
DELETE = "imopenlines.crm.chat.user.delete"

# Steps are counted within a command; those that mend something first have numbers of their own.
MENDING = 1000


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
    ``ignored``: the portal says yes, and leaves the person out; ``unclear``: what it says and
    what it shows do not tell what came of it.
    """

    person: Person
    chat_id: int = 0
    changed: bool | None = None
    ignored: bool = False
    unclear: bool = False
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
        """Look a dialog up: ``imopenlines.dialog.get``.

        Raises ``Refused``; ``Unanswered`` where the portal gives something else.
        """
        found = await self._requester.ask(Call("imopenlines.dialog.get", {"CHAT_ID": chat_id}))
        if not is_dialog(found):
            raise Unanswered("imopenlines.dialog.get was answered without a dialog")
        return _dialog(chat_id, found)

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
            (chat_id, text(row.get("CONNECTOR_TITLE")) or text(row.get("CONNECTOR_ID")))
            for row in rows(found)
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
        return await self._change(ADD, target, people, _is_member)

    async def remove(self, target: Target, people: Sequence[Person]) -> list[Membership]:
        """Remove people from a chat of an item, all in one request, each with his own result."""
        return await self._change(DELETE, target, people, _is_stranger)

    async def take_back(self, steps: Sequence[Step], chat_id: int) -> Mapping[int, Answered]:
        """Make the opposite calls of an earlier command.

        Of what is not to be seen afterwards nothing is told, whatever the portal says.
        """
        look = Call("im.chat.user.list", {"CHAT_ID": chat_id})

        def is_done(members: Any, step: Step) -> bool | None:
            return (_is_member if step.method == ADD else _is_stranger)(members, step)

        changes = await self._requester.change(steps, look, is_done, {AFTER: look})
        undone = {one.number for one in steps if is_done(changes.seen.get(AFTER), one) is False}
        return {
            number: Answered() if number in undone and answer.code is None else answer
            for number, answer in changes.answers.items()
        }

    async def create_lead(self, chat_id: int) -> Answered:
        """Let a chat that is bound to nothing have a lead: ``imopenlines.crm.lead.create``."""
        step = Step(MENDING, "imopenlines.crm.lead.create", {"CHAT_ID": chat_id}, 0)
        return await self._mend(step, lambda dialog: bool(dialog.items))

    async def start_session(self, chat_id: int) -> Answered:
        """Begin a finished dialog anew: ``imopenlines.session.start``."""
        step = Step(MENDING, "imopenlines.session.start", {"CHAT_ID": chat_id}, 0)
        return await self._mend(step, lambda dialog: None)

    async def hide(self, chat_id: int) -> Answered:
        """Switch a chat's hidden mode on: ``imopenlines.session.mode.silent``.

        Raises ``Unanswered`` where the portal says neither yes nor no.
        """
        params = {"CHAT_ID": chat_id, "ACTIVATE": "Y"}
        step = Step(MENDING, "imopenlines.session.mode.silent", params, 0)
        return confirmed(await self._mend(step, lambda dialog: None))

    async def delete_message(self, chat_id: int, message_id: int) -> Answered:
        """Delete a message of the requester's own: ``im.message.delete``. Raises as ``hide``."""
        step = Step(MENDING, "im.message.delete", {"MESSAGE_ID": message_id}, 0)
        look = Call("imopenlines.dialog.get", {"CHAT_ID": chat_id})
        changes = await self._requester.change([step], look, lambda found, step: None)
        return confirmed(changes.answers[MENDING])

    async def _mend(self, step: Step, is_mended: Callable[[Dialog], bool | None]) -> Answered:
        chat_id = step.params["CHAT_ID"]

        def is_done(found: Any, step: Step) -> bool | None:
            return is_mended(_dialog(chat_id, found)) if is_dialog(found) else None

        look = Call("imopenlines.dialog.get", {"CHAT_ID": chat_id})
        return (await self._requester.change([step], look, is_done)).answers[step.number]

    async def _change(
        self, method: str, target: Target, people: Sequence[Person], is_done: IsDone
    ) -> list[Membership]:
        steps = [
            Step(number, method, _params(target, person), person.id)
            for number, person in enumerate(people)
        ]
        look = Call("im.chat.user.list", {"CHAT_ID": target.chat_id or target.last_chat})
        changes = await self._requester.change(steps, look, is_done, {AFTER: look})
        return [
            _membership(target, person, step, changes, is_done)
            for person, step in zip(people, steps, strict=True)
        ]


def confirmed(answer: Answered) -> Answered:
    """Give an answer that says yes, or no and why. Raises ``Unanswered`` for any other."""
    if answer.code is None and not is_told(answer):
        raise Unanswered("the portal says neither yes nor no")
    return answer


def is_told(answer: Answered) -> bool:
    """Say whether it is known what came of a step that was not refused."""
    return answer.changed is not None or answer.result is True or bool(read_number(answer.result))


def _item(item: CrmItem) -> dict[str, Any]:
    return {"CRM_ENTITY_TYPE": item.type, "CRM_ENTITY": item.id}


def _params(target: Target, person: Person) -> dict[str, Any]:
    chat = {"CHAT_ID": target.chat_id} if target.chat_id else {}
    return {**_item(target.item), "USER_ID": person.id, **chat}


def is_dialog(found: Any) -> TypeGuard[Mapping[str, Any]]:
    """Say whether this is a dialog of ``imopenlines.dialog.get``, as far as can be seen."""
    return isinstance(found, Mapping) and bool(found.keys() & {"id", "entity_id", "entity_data_2"})


def _dialog(chat_id: int, found: Mapping[str, Any]) -> Dialog:
    data_1, data_2 = (text(found.get(f"entity_data_{number}")) for number in (1, 2))
    return Dialog(
        chat_id,
        tuple(CrmItem.all_bound(data_2, data_1)),
        read_number(found.get("owner")) or 0,
        text(found.get("name")),
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
    numbers = read_numbers(members)
    return person_id in numbers if numbers else None


def _membership(
    target: Target, person: Person, step: Step, changes: Changes, is_done: IsDone
) -> Membership:
    answer, seen = changes.answers[step.number], changes.seen
    if refused := answer.refused:
        return Membership(person, refused=refused)
    before, after = (is_done(seen.get(name), step) for name in (LOOK, AFTER))
    chat_id = read_number(answer.result)
    is_told = chat_id is not None
    if chat_id is None:
        # It was begun before and has been found done; or the answer cannot be read.
        chat_id = target.chat_id or target.last_chat
    is_missing = bool(chat_id) and before is False and after is False
    is_unknown = not is_told and answer.changed is None and not after
    # External people are left out of additions so.
    ignored = is_missing and step.method == ADD
    unclear = (is_missing or is_unknown) and not ignored
    return Membership(person, chat_id, answer.changed, ignored=ignored, unclear=unclear)
