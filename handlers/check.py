"""/check: see whether everything that the bot needs is in order."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from bot.acting.checkup import Checkups
from bot.acting.users import Users
from bot.bitrix24.dialogs import OpenLine
from bot.bitrix24.entities import CrmItem, Person
from bot.bitrix24.events import CommandEvent
from bot.bitrix24.people import Account, person_of
from bot.commands.outcomes import Outcome
from bot.commands.past import Past, Reach
from bot.commands.router import Arguments, Router
from bot.installing.doctor import PortalDoctor

router = Router()

# A line of names is to stay readable.
MOST_LINES, MOST_PEOPLE = 3, 10


class Queue(NamedTuple):
    """A line, and who is in its queue."""

    name: str
    people: tuple[Person, ...]


class Checked(Outcome):
    """How the bot does for the requester.

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


@router.command("check", everywhere=False)
async def check(
    args: Arguments,
    event: CommandEvent,
    *,
    checkups: Checkups,
    doctor: PortalDoctor,
    past: Past,
    users: Users,
) -> Checked:
    with_customer = event.chat.is_open_line
    seen = await checkups.look(event.bot.id, event.chat.id if with_customer else 0)
    lines = seen.lines[:MOST_LINES]
    queue = {number for line in lines for number in line.queue}
    accounts = await users.accounts(queue)
    return Checked(
        requester=seen.requester,
        missing_scopes=seen.missing_scopes,
        revision=seen.revision,
        supports_lines=seen.supports_lines,
        with_customer=with_customer,
        item=seen.item,
        sees_dialog=seen.sees_dialog,
        is_active=seen.is_active,
        reach="all" if seen.is_admin else await past.reach(seen.queues),
        lines=tuple(_queue(line, accounts) for line in lines),
        failing=tuple(one.name for one in await doctor.failing() if one.name != "scopes"),
    )


def _queue(line: OpenLine, accounts: Mapping[int, Account]) -> Queue:
    shown = line.queue[:MOST_PEOPLE]
    return Queue(line.name, tuple(person_of(number, accounts) for number in shown))
