"""/check: see whether everything that the bot needs is in order."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from bot.acting.requester import Requester
from bot.acting.users import Users
from bot.bitrix24.bots import bot_call, supports_lines
from bot.bitrix24.calls import Call
from bot.bitrix24.dialogs import (
    OpenLine,
    chats_call,
    dialog_call,
    is_dialog,
    lines_call,
    read_chats,
    read_dialog,
    read_lines,
)
from bot.bitrix24.entities import CrmItem, Person
from bot.bitrix24.errors import Bitrix24Error, Refused
from bot.bitrix24.events import CommandEvent
from bot.bitrix24.numerals import read_number
from bot.bitrix24.ownership import ADMIN, PROFILE
from bot.bitrix24.people import Account, person_of, read_person
from bot.bitrix24.rows import part
from bot.bitrix24.scopes import missing_scopes
from bot.commands.outcomes import Outcome
from bot.commands.past import Past, Reach
from bot.commands.router import Arguments, Router
from bot.installing.doctor import PortalDoctor

router = Router()

# A line of names is to stay readable.
MOST_LINES, MOST_PEOPLE = 3, 10

NO_METHOD = "ERROR_METHOD_NOT_FOUND"


class Queue(NamedTuple):
    """A line, and who is in its queue."""

    name: str
    people: tuple[Person, ...]


class Checked(Outcome):
    """How the bot does for the requester.

    ``None`` is what there was nothing to look at for, or no answer; ``revision`` is 0 where the
    portal is too old to have one. ``lines`` are the one of the dialog; without a dialog those in
    whose queue the requester is.
    ``reach``: whom the requester's role can bring in. The portal does not tell of roles, but it
    has let somebody in from ``beyond`` the queue, or refused that, or somebody of the ``queue``.
    """

    requester: Person | None
    missing_scopes: tuple[str, ...] | None
    revision: int | None
    supports_lines: bool | None
    with_customer: bool
    item: CrmItem | None
    sees_dialog: bool | None
    is_active: bool | None
    reach: Literal["all"] | Reach
    lines: tuple[Queue, ...]
    failing: tuple[str, ...]


@dataclass(eq=False, slots=True)
class Checkup:
    """Looks with the requester's token, and changes nothing."""

    _requester: Requester

    async def look(self, bot_id: int, chat_id: int) -> dict[str, Any]:
        """Look at everything, in one request; at a dialog, too, if there is a chat."""
        calls = {
            "me": PROFILE,
            "scopes": Call("scope"),
            "revision": Call("imbot.v2.Revision.get"),
            "bot": bot_call(bot_id),
            "admin": ADMIN,
            "lines": lines_call(),
        }
        if chat_id:
            calls["dialog"] = dialog_call(chat_id)
        return await self._requester.ask_all(calls)

    async def is_active(self, item: CrmItem, chat_id: int) -> bool | None:
        """Say whether a chat is among the active ones of its item."""
        try:
            found = await self._requester.ask(chats_call(item))
        except Bitrix24Error:
            return None
        return chat_id in read_chats(found) if isinstance(found, list | Mapping) else None


@router.command("check", everywhere=False)
async def check(
    args: Arguments,
    event: CommandEvent,
    *,
    checkup: Checkup,
    doctor: PortalDoctor,
    past: Past,
    users: Users,
) -> Checked:
    with_customer = event.chat.is_open_line
    chat_id = event.chat.id if with_customer else 0
    seen = await checkup.look(event.bot.id, chat_id)
    me, dialog = read_person(seen["me"]), read_dialog(chat_id, seen.get("dialog"))
    every, item = read_lines(seen["lines"]), dialog.bound_item
    if chat_id:
        lines = [one for one in every if one.id == dialog.line_id]
    else:
        lines = [one for one in every if me and me.id in one.queue]
    lines = lines[:MOST_LINES]
    is_active = await checkup.is_active(item, chat_id) if item else None
    accounts = await users.accounts(number for line in lines for number in line.queue)
    is_admin = seen["admin"] is True
    return Checked(
        requester=me,
        missing_scopes=missing_scopes(seen["scopes"]),
        revision=_revision(seen["revision"]),
        supports_lines=supports_lines(seen["bot"]),
        with_customer=with_customer,
        item=item,
        sees_dialog=_sees(chat_id, seen["dialog"]) if chat_id else None,
        is_active=is_active,
        reach="all" if is_admin else await past.reach([one.queue for one in every]),
        lines=tuple(_queue(line, accounts) for line in lines),
        failing=tuple(one.name for one in await doctor.failing() if one.name != "scopes"),
    )


def _revision(found: Any) -> int | None:
    if isinstance(found, Refused) and found.code == NO_METHOD:
        return 0
    return read_number(part(found, "rest"))


def _sees(chat_id: int, found: Any) -> bool | None:
    return True if is_dialog(found, chat_id) else False if isinstance(found, Refused) else None


def _queue(line: OpenLine, accounts: Mapping[int, Account]) -> Queue:
    shown = line.queue[:MOST_PEOPLE]
    return Queue(line.name, tuple(person_of(number, accounts) for number in shown))
