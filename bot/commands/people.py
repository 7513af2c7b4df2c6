"""Who is meant: mentions, numbers, names, addresses and roles to people."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

from bot.acting.crm import Crm
from bot.acting.open_lines import OpenLines, Target
from bot.acting.users import Users
from bot.bitrix24.entities import (
    Email,
    Me,
    Named,
    Offer,
    Person,
    Role,
    Someone,
)
from bot.bitrix24.events import Chat, CommandEvent
from bot.bitrix24.people import Found, at_address, person_of
from bot.commands import vocabulary
from bot.commands.errors import PersonAmbiguous, PersonNotFound, RoleEmpty, TooManyPeople
from bot.commands.names import (
    MOST_NEAR,
    bearers,
    beginning_so,
    beginnings,
    names_like,
    role_like,
)
from bot.commands.router import Arguments
from bot.errors import (
    IsBot,
    IsCustomer,
    IsExtranet,
    PersonDismissed,
    Refusal,
    ScopeMissing,
)
from bot.inbox.accepted import Accepted

LIMIT = 20
MOST_OFFERS = 8
# So many bearers of a name are looked at: whoever is meant may stand on a later page.
MOST_FOUND = 500

# What marks a colleague of the line's queue on a button.
QUEUED = "★ "


@dataclass(frozen=True, slots=True)
class Resolved:
    """The people who are meant, each once, and why the others are not."""

    people: list[Person]
    refusals: list[Refusal]

    def but(self, why: Callable[[Person], Refusal | None]) -> Self:
        """Leave out those whom a refusal is given for; it is among the others then."""
        told = [(one, why(one)) for one in self.people]
        return replace(
            self,
            people=[one for one, refusal in told if refusal is None],
            refusals=[*self.refusals, *(refusal for _, refusal in told if refusal)],
        )


@dataclass(eq=False, slots=True)
class People:
    """Looks up who is meant, with no more questions than needed."""

    _users: Users
    _lines: OpenLines
    _crm: Crm
    _command: Accepted

    async def resolve(
        self,
        named: Sequence[Someone],
        args: Arguments,
        target: Target | None = None,
        *,
        head_of: int = 0,
    ) -> Resolved:
        """Find everybody; of several bearers of a name, one can be chosen for ``args``.

        The head is that of ``head_of``, or else the requester's. Roles are those of ``target``,
        or else of the chat that the command was typed in.
        Raises ``TooManyPeople``.
        """
        if len(named) > LIMIT:
            raise TooManyPeople(len(named), LIMIT)
        resolved = Resolved([], [])
        found = await self._looked_up(named)
        for one in named:
            try:
                people = await self._meant(one, found, args, target, head_of)
                for person in people:
                    if all(person.id != known.id for known in resolved.people):
                        resolved.people.append(_welcome(person, self._command.event))
            except Refusal as refusal:
                resolved.refusals.append(refusal)
        if len(resolved.people) > LIMIT:
            raise TooManyPeople(len(resolved.people), LIMIT)
        return resolved

    async def but_customers(self, found: Resolved) -> Resolved:
        """Leave customers out: an event tells of no other chat than its own whose that is."""
        accounts = await self._users.accounts(one.id for one in found.people)
        customers = {number for number, account in accounts.items() if account.customer}
        return found.but(lambda one: IsCustomer(one, here=False) if one.id in customers else None)

    async def _looked_up(self, named: Sequence[Someone]) -> Mapping[str, list[Found]]:
        names = [one.name for one in named if isinstance(one, Named)]
        addresses = [one.address for one in named if isinstance(one, Email)]
        found = dict(await self._users.search(names, MOST_FOUND)) if names else {}
        return found | (await self._users.by_email(addresses) if addresses else {})

    async def _meant(
        self,
        one: Someone,
        found: Mapping[str, list[Found]],
        args: Arguments,
        target: Target | None,
        head_of: int,
    ) -> list[Person]:
        match one:
            case Person():
                return [one]
            case Me():
                return [Person(id=self._command.event.user.id)]
            case Named(name=name):
                return [await self._by_name(name, found[name], args)]
            case Email(address=address):
                return [await self._by_address(address, found[address], args)]
            case Role():
                return await self._in_role(one, target, head_of)

    async def _by_name(self, name: str, found: Sequence[Found], args: Arguments) -> Person:
        alike = [] if (matches := bearers(name, found)) else await self._alike(name)
        # The portal's search may miss a name that holds a character which nobody sees.
        matches = matches or bearers(name, alike)
        if not matches:
            raise await self._not_found(name, alike, args)
        return await self._one_of(name, matches, args)

    async def _not_found(
        self, name: str, alike: Sequence[Found], args: Arguments
    ) -> PersonNotFound:
        """Ask whether a role or somebody is meant whose name is like this one."""
        role, staff = role_like(name), _staff(alike)
        begun = (one.person.name for one in beginning_so(name, staff))
        near = list(dict.fromkeys([*names_like(name, staff), *begun]))
        if not role and not near:
            staff = _staff(await self._on_other_layout(name))
            near = list(dict.fromkeys(one.person.name for one in staff))
        near = near[: MOST_NEAR - bool(role)]
        meant = sorted(
            (one for one in staff if one.person.name in near),
            key=lambda one: near.index(one.person.name),
        )
        offers = await self._picker(meant, args, ())
        offers = tuple(one.model_copy(update={"independent": True}) for one in offers)
        if role:
            act = args.act(self._command.event.name, people=(vocabulary.ROLES[role],))
            return PersonNotFound(
                name, (f"@{role}", *near), (Offer(label=f"@{role}", act=act), *offers)
            )
        return PersonNotFound(name, tuple(near), offers)

    async def _one_of(self, words: str, matches: Sequence[Found], args: Arguments) -> Person:
        """Give the only one of these who has not left. Raises a ``Refusal`` where there is none.

        ``words`` are what they were all found by.
        """
        active = [one for one in matches if one.active]
        if len(active) == 1:
            return _employee(active[0])
        if active:
            queue = await self._lines.known_queue(self._command.event.chat.line_id) or ()
            # Who is in the line's queue comes first: any role can bring them in.
            active.sort(key=lambda one: one.person.id not in queue)
            queued = active[0].person.id in queue
            raise PersonAmbiguous(words, queued, await self._picker(active, args, queue))
        raise PersonDismissed(matches[0].person)

    async def _on_other_layout(self, name: str) -> list[Found]:
        """Find whose name the same keys write on the other layout of the keyboard."""
        swapped = vocabulary.other_layout(name)
        return bearers(swapped, await self._alike(swapped))

    async def _by_address(self, address: str, found: Sequence[Found], args: Arguments) -> Person:
        if found and not any(one.address for one in found):
            raise ScopeMissing(("user_basic",))
        matches = at_address(found, address)
        if not matches:
            raise PersonNotFound(address)
        return await self._one_of(address, matches, args)

    async def _picker(
        self, matches: Sequence[Found], args: Arguments, queue: Collection[int]
    ) -> tuple[Offer, ...]:
        shown = matches[:MOST_OFFERS]
        numbers = {number for one in shown for number in one.departments}
        departments = await self._users.departments(numbers)
        return tuple(
            Offer(
                label=(QUEUED if one.person.id in queue else "") + _label(one, departments),
                act=args.act(self._command.event.name, people=(one.person,)),
            )
            for one in shown
        )

    async def _alike(self, name: str) -> list[Found]:
        """Find everybody whose name begins like this one."""
        rows = await self._users.search(beginnings(name))
        return list({one.person.id: one for found in rows.values() for one in found}.values())

    async def _in_role(self, role: Role, target: Target | None, head_of: int) -> list[Person]:
        """Find who has a role. Raises ``RoleEmpty`` where nobody has it."""
        item = target.item if target else None
        match role:
            case Role.HEAD:
                numbers = [await self._head(head_of or self._command.event.user.id)]
            case Role.RESPONSIBLE | Role.OBSERVERS if item:
                card = await self._crm.card(item)
                of_item = role is Role.RESPONSIBLE
                numbers = [card.responsible_id] if of_item else list(card.observer_ids)
            case Role.OWNER if chat := await self._chat(target):
                numbers = [chat.owner or (await self._lines.dialog(chat.id)).owner]
            case Role.LINE if (chat := await self._chat(target)) and chat.line_id:
                numbers = await self._lines.queue(chat.line_id)
            case _:
                numbers = []
        if not any(numbers):
            raise RoleEmpty(role.value)
        accounts = await self._users.accounts(filter(None, numbers))
        return [person_of(number, accounts) for number in numbers if number]

    async def _chat(self, target: Target | None) -> Chat | None:
        """Give the customer's chat that is meant; ``None`` where none is, or it is not known."""
        if target is None or target.here:
            chat = self._command.event.chat
            return chat if chat.is_open_line else None
        return await self._lines.dialog(target.known_chat) if target.known_chat else None

    async def _head(self, user_id: int) -> int:
        """Find the head of somebody; it is never the requester themselves."""
        accounts = await self._users.accounts([user_id])
        who = accounts.get(user_id)
        return await self._users.head_of(who, {self._command.event.user.id}) if who else 0


def _welcome(person: Person, event: CommandEvent) -> Person:
    """Let a person pass, unless the event itself tells that they are none of the staff."""
    if person.id == event.chat.customer_id:
        raise IsCustomer(person)
    if person.id == event.bot.id:
        raise IsBot(person)
    return person


def _staff(found: Sequence[Found]) -> list[Found]:
    return [one for one in found if one.active and not one.extranet]


def _employee(found: Found) -> Person:
    if found.extranet:
        raise IsExtranet(found.person)
    return found.person


def _label(one: Found, departments: Mapping[int, str]) -> str:
    units = [departments[number] for number in one.departments if number in departments]
    about = ", ".join(part for part in (one.position, *units) if part)
    return f"{one.person.name} – {about}" if about else f"{one.person.name} ({one.person.id})"
