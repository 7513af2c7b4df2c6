"""What has been done before: by the requester in this chat, or to people."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import Literal

from bot.acting.groups import INVITE
from bot.acting.history import Deed, History
from bot.acting.open_lines import ADD, ARRIVING, LEAVING, lacks_history
from bot.bitrix24.entities import Person
from bot.bitrix24.errors import Refused
from bot.bitrix24.numerals import read_number
from bot.commands.errors import CannotUndo
from bot.inbox.accepted import Accepted

Reach = Literal["beyond", "queue", "nobody", "unknown"]

UNDO = "undo"
# What nobody has asked for as a command of its own is none to be taken back.
_NO_COMMANDS = frozenset({UNDO, "expire"})
# Later the chat is another one.
UNDO_LIFE = 30 * 60
REMEMBERED = 24 * 3600


@dataclass(eq=False, slots=True)
class Past:
    """The journal, as the requester of one command may ask it about themselves."""

    _history: History
    _command: Accepted

    async def last_deeds(self, acts: Mapping[int, int], undone: Collection[int]) -> list[Deed]:
        """Give what the last command really changed; a button's own, where one was pressed.

        ``acts`` are commands of escalations, each with the number of its escalation; those with a
        number in ``undone`` have been undone, and nothing is left of them to take back.
        Gives nothing where nothing was changed, or where it is undone. Raises ``CannotUndo``.
        """
        deeds = [one for one in await self._deeds(UNDO_LIFE) if one.code is None]
        counted = [(acts.get(one.command_id, one.command_id), one) for one in deeds if _counts(one)]
        counted = [(number, one) for number, one in counted if number not in undone]
        last = self.pressed_of or max((number for number, _ in counted), default=0)
        own = [one for number, one in counted if number == last]
        if not own or any(_undid(later, one) for later in deeds for one in own):
            return []
        if own[0].method == INVITE:
            raise CannotUndo
        return [replace(one, command_id=last) for one in own]

    async def last_refused(self) -> list[Deed]:
        """Give the steps of the last command that the portal refused some of; perhaps none."""
        refused = [one for one in await self._deeds(REMEMBERED) if one.code is not None]
        last = max((one.command_id for one in refused), default=0)
        return [one for one in refused if one.command_id == last]

    async def done_again(
        self,
        methods: Collection[str],
        people: Collection[Person],
        chat_id: int,
        after: int,
        but: Collection[int] = (),
    ) -> list[Person]:
        """Give those to whom a later command than ``after`` did this in the chat, whosever it was.

        ``methods`` are those of arriving, or those of leaving; the commands ``but`` do not count.
        Where an /undo did it, all is as it was before.
        """
        member_id = self._command.event.member_id
        deeds = await self._history.of_people(member_id, [one.id for one in people], methods)
        again = {
            one.person_id
            for one in deeds
            if one.command_id > after and one.command_id not in but
            if chat_of(one) == chat_id and one.changed is not False and one.command != UNDO
        }
        return [one for one in people if one.id in again]

    async def reach(self, queues: Collection[Collection[int]]) -> Reach:
        """Say whom the requester's role lets in, as far as the last day tells; the newest counts.

        ``queues`` are those of all lines: nobody notes which line a chat was of. ``beyond``:
        somebody of none of them; ``queue``: not everybody beyond; ``nobody``: not even the queue.
        """
        if not any(queues):
            return "unknown"
        event = self._command.event
        deeds = await self._history.by(event.member_id, event.user.id, REMEMBERED, method=ADD)
        everywhere, anywhere = set.intersection(*map(set, queues)), set(chain(*queues))
        alone = Counter(one.command_id for one in deeds)
        reach: Reach = "unknown"
        is_open = False
        for one in reversed(deeds):
            is_beyond = one.person_id not in anywhere
            # Of several at once, the portal looks at one alone.
            if one.code is None and one.changed and alone[one.command_id] == 1:
                if is_beyond:
                    return "beyond" if reach == "unknown" else reach
                is_open = True
            elif one.code is not None and lacks_history(Refused(one.code, str(one.told or ""))):
                if one.person_id in everywhere:
                    return reach if is_open else "nobody"
                reach = "queue" if is_beyond else reach
        return reach

    @property
    def pressed_of(self) -> int:
        """Give the command under whose answer a button was pressed; 0 where none was."""
        return self._command.press.origin if self._command.press else 0

    async def _deeds(self, seconds: float) -> list[Deed]:
        event = self._command.event
        deeds = await self._history.by(
            event.member_id, event.user.id, seconds, chat=event.chat.dialog_id
        )
        # What this very command has begun, before it was cut short, is no part of the past.
        return [one for one in deeds if one.command_id < self._command.id]


def chat_of(deed: Deed) -> int:
    """Give the chat that a deed was done in: named, or the one the portal chose."""
    # Where none was named, the answer is the chat.
    named = deed.params.get("CHAT_ID") or deed.told
    return read_number(named) or 0


def _undid(later: Deed, deed: Deed) -> bool:
    """Say whether a later step is the /undo of this one."""
    return (
        later.command == UNDO
        and later.changed is True
        and later.command_id > deed.command_id
        and later.person_id == deed.person_id
        and (later.method in ARRIVING) != (deed.method in ARRIVING)
    )


def _counts(deed: Deed) -> bool:
    """Say whether a step changed the portal: an invitation, or a change that is known."""
    if deed.command in _NO_COMMANDS:
        return False
    if deed.method == INVITE:
        return bool(deed.told)
    return deed.method in ARRIVING | LEAVING and deed.changed is True
