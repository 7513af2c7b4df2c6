"""/check: see whether everything that the bot needs is in order."""

from bot.bitrix24.checkup import Checkups
from bot.bitrix24.entities import CrmItem, Person
from bot.bitrix24.events import CommandEvent
from bot.commands.router import Arguments, Router
from bot.doctor import PortalDoctor
from bot.outcomes import Outcome

router = Router()


class Check(Arguments):
    pass


class Checked(Outcome):
    requester: Person | None
    missing_scopes: tuple[str, ...] | None
    revision: int | None
    supports_lines: bool | None
    with_customer: bool
    item: CrmItem | None
    sees_dialog: bool | None
    is_active: bool | None
    failing: tuple[str, ...]


@router.command("check", everywhere=False)
async def check(
    args: Check, event: CommandEvent, *, checkups: Checkups, doctor: PortalDoctor
) -> Checked:
    with_customer = event.chat.is_open_line
    seen = await checkups.look(event.bot.id, event.chat.id if with_customer else 0)
    return Checked(
        requester=seen.requester,
        missing_scopes=seen.missing_scopes,
        revision=seen.revision,
        supports_lines=seen.supports_lines,
        with_customer=with_customer,
        item=seen.item,
        sees_dialog=seen.sees_dialog,
        is_active=seen.is_active,
        failing=tuple(one.name for one in await doctor.failing() if one.name != "scopes"),
    )
