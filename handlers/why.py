"""/why: tell once more, and in more detail, why the portal refused."""

from bot.acting.groups import INVITE
from bot.acting.history import Deed
from bot.acting.open_lines import ADD, DELETE
from bot.acting.users import Users
from bot.bitrix24.entities import Group
from bot.bitrix24.errors import Refused
from bot.bitrix24.events import CommandEvent
from bot.bitrix24.people import person_of
from bot.commands.diagnosis import Denied, Diagnosis
from bot.commands.missed import merged, reasons
from bot.commands.outcomes import Outcome, Outcomes
from bot.commands.past import Past
from bot.commands.router import Arguments, Router
from bot.errors import Refusal
from handlers.group import refusal_of

router = Router()


class Explained(Outcome):
    method: str
    code: str
    description: str


class NothingRefused(Refusal):
    """The requester has met no refusal in this chat lately."""


@router.command("why")
async def why(
    args: Arguments, event: CommandEvent, *, past: Past, diagnosis: Diagnosis, users: Users
) -> Outcomes:
    deeds = await past.last_refused()
    if not deeds:
        raise NothingRefused
    told = Explained(
        method=deeds[0].method, code=deeds[0].code or "", description=str(deeds[0].told or "")
    )
    if deeds[0].method == INVITE:
        refused = Refused(told.code, told.description)
        group = Group(id=int(deeds[0].params.get("GROUP_ID") or 0))
        return [refusal_of(refused, group, diagnosis), told]
    item = deeds[0].item
    explain = {ADD: diagnosis.explain, DELETE: diagnosis.explain_removal}.get(deeds[0].method)
    if item is None or explain is None:
        return told
    denied = await _denied([one for one in deeds if one.method == deeds[0].method], users)
    missed = await explain(denied, item, int(deeds[0].params.get("CHAT_ID") or 0))
    return [*reasons(merged(missed)), told]


async def _denied(deeds: list[Deed], users: Users) -> list[Denied]:
    accounts = await users.accounts(deed.person_id for deed in deeds)
    return [
        Denied(person_of(deed.person_id, accounts), Refused(deed.code or "", str(deed.told or "")))
        for deed in deeds
    ]
