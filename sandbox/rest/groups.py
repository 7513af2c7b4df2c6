"""sonet_group.*: workgroups; errors have an empty code and only the text tells."""

from sandbox.errors import RestRefused
from sandbox.model import Group, User
from sandbox.rest.filters import matches
from sandbox.rest.params import integer
from sandbox.rest.registry import Call, Methods, paged

methods = Methods()

SCOPES = ("sonet_group", "sonet")
_MAY_INVITE = {"A": "A", "E": "AE", "K": "AEK"}


@methods.method("sonet_group.user.invite", *SCOPES)
def invite(call: Call) -> object:
    """Invite people; answers those who were really invited, in the form they were given.

    The caller themselves, members, the invited before, what is no id and everybody whom the
    caller may not invite are left out without a word.
    """
    number = call.params.number("GROUP_ID")
    if number <= 0:
        raise RestRefused("", "Wrong group ID")
    given = call.params.raw("USER_ID")
    people = list(given.values()) if isinstance(given, dict) else given
    if not people or (not isinstance(people, list) and (integer(people) or 0) <= 0):
        raise RestRefused("", "Wrong user IDs")
    people = people if isinstance(people, list) else [people]
    group = _seen(call, number, "Socialnetwork group not found")
    return [person for person in people if _invited(call, group, integer(person) or 0)]


@methods.method("sonet_group.user.get", *SCOPES)
def members(call: Call) -> object:
    """The active members of a group with their roles."""
    number = call.params.number("ID")
    if number <= 0:
        raise RestRefused("", "Wrong socialnetwork group ID")
    group = _seen(call, number, "Socialnetwork group not found")
    return [
        {"USER_ID": str(user), "ROLE": role}
        for user, role in group.roles.items()
        if call.state.users[user].active
    ]


@methods.method("sonet_group.user.groups", *SCOPES)
def own_groups(call: Call) -> object:
    """The caller's groups with their role in each."""
    return [
        {
            "GROUP_ID": str(group.id),
            "GROUP_NAME": group.name,
            "ROLE": group.roles[call.user.id],
            "GROUP_IMAGE_ID": None,
            "GROUP_IMAGE": "",
        }
        for group in call.state.groups.values()
        if call.user.id in group.roles
    ]


@methods.method("sonet_group.get", *SCOPES)
def list_groups(call: Call) -> object:
    """The groups that the caller sees, by FILTER; all values are strings."""
    wanted = {key.upper(): value for key, value in call.params.mapping("FILTER").items()}
    if call.params.has("GROUP_ID"):
        wanted["ID"] = call.params.raw("GROUP_ID")
    groups = [group for group in call.state.groups.values() if _visible(group, call.user)]
    rows = [row for row in map(_row, groups) if matches(row, wanted)]
    return paged(list(rows), call.params.number("start"))


def _seen(call: Call, number: int, refusal: str) -> Group:
    group = call.state.groups.get(number)
    if group is None or not _visible(group, call.user):
        raise RestRefused("", refusal)
    return group


def _visible(group: Group, user: User) -> bool:
    return user.id in group.roles or (group.visible and not user.extranet)


def _invited(call: Call, group: Group, number: int) -> bool:
    if not _may_be_invited(call, group, number):
        return False
    group.invited.add(number)
    call.state.journal.invitations.append(
        {
            "group_id": group.id,
            "user_id": number,
            "by": call.user.id,
            "message": call.params.text("MESSAGE"),
            "at": call.state.clock.now(),
        }
    )
    return True


def _may_be_invited(call: Call, group: Group, number: int) -> bool:
    if group.roles.get(call.user.id, "-") not in _MAY_INVITE[group.initiate]:
        return False
    target = call.state.users.get(number)
    if target is None or not target.active or target.bot or target.connector:
        return False
    return number != call.user.id and number not in group.roles and number not in group.invited


def _row(group: Group) -> dict[str, object]:
    return {
        "ID": str(group.id),
        "SITE_ID": "s1",
        "NAME": group.name,
        "DESCRIPTION": "",
        "ACTIVE": "Y",
        "VISIBLE": "Y" if group.visible else "N",
        "OPENED": "N",
        "CLOSED": "N",
        "OWNER_ID": str(group.owner),
        "NUMBER_OF_MEMBERS": str(len(group.roles)),
        "PROJECT": "N",
        "IS_EXTRANET": "N",
    }
