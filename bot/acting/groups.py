"""Workgroups. Methods: sonet_group.*; their errors have an empty code, only the text tells."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.acting.journal import Answered, Step
from bot.acting.requester import LOOK, Requester
from bot.bitrix24 import bbcode
from bot.bitrix24.calls import Call
from bot.bitrix24.entities import Group, Person
from bot.bitrix24.errors import Refused, Unanswered
from bot.bitrix24.numerals import MOST_NUMBERS, read_number, read_numbers
from bot.bitrix24.rows import rows, text

INVITE = "sonet_group.user.invite"

GROUP = "group"

# Of groups whose names are alike, so many are looked at.
MOST_FOUND = 500


@dataclass(frozen=True, slots=True)
class Invitations:
    """What came of inviting people: those really invited, and those who are members already."""

    group: Group
    invited: frozenset[int]
    members: frozenset[int]
    owner_id: int = 0
    refused: Refused | None = None


@dataclass(eq=False, slots=True)
class Groups:
    """Workgroups, as the requester may see and change them."""

    _requester: Requester

    async def named(self, name: str) -> list[Group]:
        """List the groups whose names contain this."""
        call = Call("sonet_group.get", {"FILTER": {"%NAME": name}})
        found = await self._requester.ask_on(call, await self._requester.ask(call), MOST_FOUND)
        return [one for row in rows(found, MOST_FOUND) if (one := _group(row))]

    async def invite(self, group_id: int, people: Sequence[Person], reason: str) -> Invitations:
        """Invite people, all in one request; the invitation carries the reason.

        Raises ``Unanswered`` where the portal does not say whom it has invited, or was asked twice
        and says that it has not: it may have the first time.
        """
        params: dict[str, Any] = {"GROUP_ID": group_id, "USER_ID": [one.id for one in people]}
        if reason:
            # The invitation is a notice to others: they are shown it, markup and all.
            params["MESSAGE"] = bbcode.neutralise(reason, bbcode.EXCERPT)
        step = Step(0, INVITE, params, people[0].id if len(people) == 1 else 0)
        look = Call("sonet_group.user.get", {"ID": group_id})
        about = {GROUP: Call("sonet_group.get", {"FILTER": {"ID": group_id}})}
        changes = await self._requester.change([step], look, also=about)
        came = _invitations(group_id, changes.answers[0], changes.seen)
        is_told = came.invited or came.refused or {one.id for one in people} <= came.members
        if changes.doubted and not is_told:
            raise Unanswered("who has an invitation may have it from the call before")
        return came


def _invitations(group_id: int, answer: Answered, seen: Mapping[str, Any]) -> Invitations:
    told = rows(seen.get(GROUP))
    row = next((one for one in told if read_number(one.get("ID")) == group_id), {})
    group = _group(row) or Group(id=group_id)
    listed = rows(seen.get(LOOK), MOST_NUMBERS)
    inside = frozenset(read_numbers([one.get("USER_ID") for one in listed]))
    owner = read_number(row.get("OWNER_ID")) or 0
    if refused := answer.refused:
        return Invitations(group, frozenset(), inside, owner, refused)
    invited = frozenset(read_numbers(answer.result))
    if not invited and answer.result not in ([], {}):
        raise Unanswered("the portal does not say whom it has invited")
    return Invitations(group, invited, inside, owner)


def _group(row: Mapping[str, Any]) -> Group | None:
    number = read_number(row.get("ID"))
    return Group(id=number, name=text(row.get("NAME"))) if number else None
