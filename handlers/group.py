"""/group: invite colleagues into a workgroup."""

from collections.abc import Sequence

from bot.acting.groups import Groups, Invitations
from bot.acting.users import Users
from bot.bitrix24.entities import Group, Offer, Person, Someone
from bot.bitrix24.errors import Refused
from bot.bitrix24.events import CommandEvent
from bot.commands import vocabulary
from bot.commands.diagnosis import Diagnosis, obstacle
from bot.commands.errors import NotGroup
from bot.commands.missed import Missed, missing
from bot.commands.outcomes import Outcome, Outcomes, Told
from bot.commands.people import People, Resolved
from bot.commands.router import Arguments, Router
from bot.errors import Refusal

router = Router()


class GroupArguments(Arguments):
    group: Group | None = None
    people: tuple[Someone, ...]
    dry: bool = False
    reason: str = ""


class InvitedToGroup(Outcome):
    group: Group
    invited: tuple[Person, ...]
    members: tuple[Person, ...]
    others: tuple[Person, ...]
    missed: tuple[Missed, ...]
    here: bool = True


class AlreadyInGroup(Outcome):
    group: Group
    members: tuple[Person, ...]


class WouldInviteToGroup(Outcome):
    group: Group
    people: tuple[Person, ...]


class GroupAmbiguous(Refusal):
    """Several groups have this name."""

    query: str
    groups: tuple[Group, ...]


class GroupNotFound(Refusal):
    """There is no such group, or the requester does not see it."""

    group: Group


class NobodyInvited(Refusal):
    """The portal invited nobody to the group and does not say why."""

    group: Group
    people: tuple[Person, ...]
    owner: Person | None


@router.command("group")
async def group(
    args: GroupArguments,
    event: CommandEvent,
    *,
    groups: Groups,
    people: People,
    users: Users,
    diagnosis: Diagnosis,
) -> Outcomes:
    chosen = await _group(args, event, groups)
    args = args.model_copy(update={"group": chosen})
    found = await people.resolve(args.people, args)
    found = await _staff(found, users)
    if not found.people:
        return found.refusals
    if args.dry:
        offer = Offer(name="do_it", act=args.act("group", people=tuple(found.people), dry=False))
        would = WouldInviteToGroup(group=chosen, people=tuple(found.people), offers=(offer,))
        return [would, *found.refusals]
    invitations = await groups.invite(chosen.id, found.people, args.reason)
    if invitations.refused:
        raise refusal_of(invitations.refused, chosen, diagnosis)
    owner = None if invitations.invited else await _owner(invitations, users)
    return _told(invitations, found.people, found.refusals, owner)


async def _staff(found: Resolved, users: Users) -> Resolved:
    """Leave out who is none of the staff: the portal would invite them, or not say why not."""
    try:
        accounts = await users.accounts(one.id for one in found.people)
    except Refused:
        return found
    return found.but(lambda one: obstacle(one, accounts.get(one.id)))


async def _group(args: GroupArguments, event: CommandEvent, groups: Groups) -> Group:
    if args.group is None:
        if not event.chat.group_id:
            raise NotGroup("")
        return Group(id=event.chat.group_id)
    if args.group.id:
        return args.group
    name = args.group.name
    # The portal's search may miss a name that holds a character which nobody sees.
    found = _matches(name, await groups.named(name)) or _matches(name, await groups.named(name[:2]))
    return _only(name, found)


def _matches(name: str, found: Sequence[Group]) -> list[Group]:
    wanted = vocabulary.key(name)
    exact = [one for one in found if vocabulary.key(one.name) == wanted]
    return exact or [one for one in found if vocabulary.key(one.name).startswith(wanted)]


def _only(name: str, matches: Sequence[Group]) -> Group:
    if not matches:
        raise GroupNotFound(Group(name=name))
    if len(matches) > 1:
        raise GroupAmbiguous(name, tuple(matches))
    return matches[0]


async def _owner(invitations: Invitations, users: Users) -> Person | None:
    accounts = await users.accounts(filter(None, [invitations.owner_id]))
    return next((one.person for one in accounts.values()), None)


def refusal_of(refused: Refused, chosen: Group, diagnosis: Diagnosis) -> Refusal:
    """Say why the portal invites nobody to a group."""
    said = refused.description.lower()
    if "group not found" in said:
        return GroupNotFound(chosen)
    if "wrong group" in said:
        return NotGroup(str(chosen.id))
    return diagnosis.of(refused)


def _told(
    invitations: Invitations,
    people: Sequence[Person],
    refusals: Sequence[Refusal],
    owner: Person | None,
) -> list[Told]:
    invited = tuple(one for one in people if one.id in invitations.invited)
    members = tuple(one for one in people if one.id in invitations.members)
    others = tuple(one for one in people if one not in invited and one not in members)
    if invited:
        outcome = InvitedToGroup(
            group=invitations.group,
            invited=invited,
            members=members,
            others=others,
            missed=missing(refusals),
        )
        return [outcome, *refusals]
    told: list[Told] = [*refusals]
    if members:
        told.insert(0, AlreadyInGroup(group=invitations.group, members=members))
    if others:
        told.append(NobodyInvited(invitations.group, others, owner))
    return told
