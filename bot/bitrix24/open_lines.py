"""People in an open-line chat. Methods: imopenlines.crm.chat.user.add and its siblings."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.bitrix24.calls import Call
from bot.bitrix24.entities import CrmItem, Person
from bot.bitrix24.errors import Bitrix24Error, Refused
from bot.bitrix24.numerals import read_number, read_numbers
from bot.bitrix24.requester import LOOK, Changes, Requester
from bot.store.journal import Answered, Step

ADD = "imopenlines.crm.chat.user.add"
DELETE = "imopenlines.crm.chat.user.delete"
# The messenger's own "+": by the chat, whatever its item and the state of its dialog.
CHAT_ADD = "im.chat.user.add"
CHAT_DELETE = "im.chat.user.delete"

ARRIVING = frozenset({ADD, CHAT_ADD})
LEAVING = frozenset({DELETE, CHAT_DELETE})

# Steps are counted within a command; those that mend something first have numbers of their own,
# and so have those that go by the chat itself.
MENDING = 1000
BY_CHAT = 2000

AFTER = "after"


@dataclass(frozen=True, slots=True)
class Target:
    """Whose people are meant: an item, and its chat where that is known.

    Without ``chat_id`` the portal takes the item's last chat; ``last_chat`` is what that seems
    to be. ``here``: it is the chat that the command was typed in. ``item`` is ``None`` where the
    chat is bound to nothing.
    """

    item: CrmItem | None
    chat_id: int = 0
    last_chat: int = 0
    here: bool = False

    @property
    def known_chat(self) -> int:
        """Give the chat, as far as it is known; else 0."""
        return self.chat_id or self.last_chat


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
    """An open-line dialog as the portal shows it.

    ``line_id`` is 0 where it is not told. ``is_over``: its session has ended; ``None`` where the
    portal does not tell.
    """

    id: int
    items: tuple[CrmItem, ...]
    owner_id: int
    name: str
    entity_data_1: str
    entity_data_2: str
    line_id: int = 0

    @property
    def is_over(self) -> bool | None:
        """Say whether its session has ended: the sixth part of ``Y|DEAL|288|N|N|512|…`` is 0."""
        session = next(iter(self.entity_data_1.split("|")[5:6]), "")
        return None if (number := read_number(session)) is None else number == 0


@dataclass(frozen=True, slots=True)
class Line:
    """An open line, and the operators of its queue."""

    id: int
    name: str
    queue: tuple[int, ...]


class OpenLines:
    """Open-line chats, as the requester may see and change them."""

    def __init__(self, requester: Requester) -> None:
        self._requester = requester

    async def dialog(self, chat_id: int) -> Dialog:
        """Look a dialog up: ``imopenlines.dialog.get``. Raises ``Refused``."""
        found = await self._requester.ask(Call("imopenlines.dialog.get", {"CHAT_ID": chat_id}))
        return read_dialog(chat_id, found)

    async def last_chat(self, item: CrmItem) -> int:
        """Say which chat of an item the portal used last; 0 where it has none or does not say."""
        call = Call("imopenlines.crm.chat.getLastId", _item(item))
        try:
            found = await self._requester.ask(call)
        except Refused:
            return 0
        return found if isinstance(found, int) else 0

    async def chats(self, item: CrmItem) -> list[tuple[int, str]]:
        """List an item's active chats with the titles of their connectors."""
        try:
            found = await self._requester.ask(Call("imopenlines.crm.chat.get", _item(item)))
        except Bitrix24Error:
            return []
        rows = found if isinstance(found, list) else []
        return [
            (chat_id, str(row.get("CONNECTOR_TITLE") or row.get("CONNECTOR_ID") or ""))
            for row in rows
            if (chat_id := read_number(row.get("CHAT_ID")))
        ]

    async def members(self, chat_id: int) -> list[int]:
        """List who is in a chat; nobody where the requester may not see it."""
        found = await self._requester.ask(Call("im.chat.user.list", {"CHAT_ID": chat_id}))
        return [int(one) for one in found] if isinstance(found, list) else []

    async def queue(self, line_id: int) -> list[int]:
        """List the operators of an open line: ``imopenlines.config.get``, open to everybody."""
        params = {"CONFIG_ID": line_id, "WITH_QUEUE": "Y"}
        found = await self._requester.ask(Call("imopenlines.config.get", params))
        return list(read_numbers(found.get("QUEUE"))) if isinstance(found, Mapping) else []

    async def add(self, target: Target, people: Sequence[Person]) -> list[Membership]:
        """Add people to a chat of an item, in one request, each with a result of their own.

        The portal looks at the history right once a request, for the first of them whom it comes
        to: the others are asked for once more, each in a request of their own.
        """
        # In an order of their own, so that it does not matter in which they were typed.
        steps = sorted(_adding(target, people), key=lambda step: step.person_id)
        changes = await self._change(steps, target)
        came = {step.person_id: _came(target, step, changes) for step in steps}
        lacking = [step for step in steps if lacks_history(changes.answers[step.number].refused)]
        for step in lacking[1:]:
            await self._requester.forget_refusal(step)
            came[step.person_id] = _came(target, step, await self._change([step], target))
        return [Membership(one, *came[one.id]) for one in people]

    async def add_by_chat(self, chat_id: int, people: Sequence[Person]) -> list[Membership]:
        """Add people by the chat itself, as its members may: ``im.chat.user.add``."""
        steps = [
            Step(BY_CHAT + n, CHAT_ADD, {"CHAT_ID": chat_id, "USERS": [one.id]}, one.id)
            for n, one in enumerate(people)
        ]
        target = Target(None, chat_id)
        changes = await self._change(steps, target)
        return [
            Membership(one, *_came(target, step, changes))
            for one, step in zip(people, steps, strict=True)
        ]

    async def remove(
        self, target: Target, people: Sequence[Person], by_chat: Collection[int] = ()
    ) -> list[Membership]:
        """Remove people from a chat, in one request, each with a result of their own.

        Those whose ids are in ``by_chat`` are removed by the chat itself, as its owner may.
        """
        steps = [_removing(n, target, one, one.id in by_chat) for n, one in enumerate(people)]
        changes = await self._change(steps, target)
        return [
            Membership(one, *_came(target, step, changes))
            for one, step in zip(people, steps, strict=True)
        ]

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
            mended = isinstance(found, Mapping) and is_mended(read_dialog(chat_id, found))
            return mended if isinstance(mended, bool) else None

        look = Call("imopenlines.dialog.get", {"CHAT_ID": chat_id})
        return (await self._requester.change([step], look, is_done)).answers[step.number]

    async def _change(self, steps: Sequence[Step], target: Target) -> Changes:
        look = Call("im.chat.user.list", {"CHAT_ID": target.known_chat})
        return await self._requester.change(steps, look, _is_done, {AFTER: look})


def lacks_history(refused: Refused | None) -> bool:
    """Say whether somebody is refused because of the view of history in the caller's role."""
    if refused is None or refused.code != "ACCESS_DENIED":
        return False
    return "chat history" in refused.description.lower()


def _item(item: CrmItem) -> dict[str, Any]:
    return {"CRM_ENTITY_TYPE": item.type, "CRM_ENTITY": item.id}


def _params(target: Target, person: Person) -> dict[str, Any]:
    item = _item(target.item) if target.item else {}
    chat = {"CHAT_ID": target.chat_id} if target.chat_id else {}
    return {**item, "USER_ID": person.id, **chat}


def _adding(target: Target, people: Sequence[Person]) -> list[Step]:
    return [Step(n, ADD, _params(target, one), one.id) for n, one in enumerate(people)]


def _removing(number: int, target: Target, person: Person, by_chat: bool) -> Step:
    if not by_chat:
        return Step(number, DELETE, _params(target, person), person.id)
    params = {"CHAT_ID": target.known_chat, "USER_ID": person.id}
    return Step(BY_CHAT + number, CHAT_DELETE, params, person.id)


def read_lines(found: Any) -> list[Line]:
    """Read the answer of ``imopenlines.config.list.get``."""
    rows = [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []
    return [
        Line(number, str(row.get("LINE_NAME") or ""), read_numbers(row.get("QUEUE")))
        for row in rows
        if (number := read_number(row.get("ID"))) and row.get("ACTIVE") != "N"
    ]


def read_dialog(chat_id: int, found: Any) -> Dialog:
    """Read the answer of ``imopenlines.dialog.get``."""
    found = found if isinstance(found, Mapping) else {}
    data_1, data_2 = (str(found.get(f"entity_data_{number}") or "") for number in (1, 2))
    line = str(found.get("entity_id") or "").split("|")[1:2]
    return Dialog(
        chat_id,
        tuple(CrmItem.all_bound(data_2, data_1)),
        read_number(found.get("owner")) or 0,
        str(found.get("name") or ""),
        data_1,
        data_2,
        next(iter(read_numbers(line)), 0),
    )


def _is_done(members: Any, step: Step) -> bool | None:
    is_member = _is_in(members, step.person_id)
    return is_member if step.method in ARRIVING or is_member is None else not is_member


def _is_in(members: Any, person_id: int) -> bool | None:
    # An empty list is what a stranger to the chat is shown: it proves nothing.
    if not isinstance(members, list) or not members:
        return None
    return str(person_id) in {str(member) for member in members}


def _is_missing(seen: Mapping[str, Any], step: Step) -> bool:
    """Say whether somebody who was added is not to be seen: external people are left out so."""
    before, after = (_is_in(seen.get(name), step.person_id) for name in (LOOK, AFTER))
    return step.method in ARRIVING and after is False and before is False


def _came(
    target: Target, step: Step, changes: Changes
) -> tuple[int, bool | None, bool, Refused | None]:
    """Say what came of a step, as a ``Membership`` has it."""
    answer = changes.answers[step.number]
    if refused := answer.refused:
        return 0, None, False, refused
    # The messenger's own methods answer with true, and not with the chat.
    is_told = answer.result is not None and not isinstance(answer.result, bool)
    chat_id = int(answer.result) if is_told else target.known_chat
    return chat_id, answer.changed, bool(chat_id) and _is_missing(changes.seen, step), None
