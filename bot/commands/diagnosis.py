"""Why the portal refused: its code, its words, and read-only questions as the requester."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.acting.crm import item_call, lacks_item, read_card
from bot.acting.open_lines import Membership, OpenLines, lacks_history
from bot.acting.requester import Requester
from bot.acting.users import Users
from bot.bitrix24.calls import Call
from bot.bitrix24.dialogs import chats_call, dialog_call, read_chats, read_dialog
from bot.bitrix24.entities import CrmItem, Person
from bot.bitrix24.errors import Bitrix24Error, Refused
from bot.bitrix24.people import Account, account_call, read_account
from bot.bitrix24.rows import row
from bot.commands.missed import Missed, of_chat
from bot.errors import (
    AccessRefused,
    AccessUnclear,
    AccountOff,
    AppClosed,
    AppMissing,
    ClockWrong,
    ConsentAwaited,
    ConsentDenied,
    DialogFinished,
    DialogNotActive,
    IsBot,
    IsCustomer,
    IsExtranet,
    LoginNeeded,
    MessengerMissing,
    NotAdded,
    NotByChat,
    NotHere,
    OutcomeUnclear,
    PersonDismissed,
    PersonLacksItem,
    PersonUnavailable,
    PlanLacksRest,
    PortalClosed,
    PortalOutdated,
    Refusal,
    RemovalDenied,
    RequesterLacksHistory,
    RequesterLacksItem,
    RequesterLacksLine,
    ScopeMissing,
    SubscriptionEnded,
    UnknownRefusal,
    WrongRequest,
)
from bot.inbox.accepted import Accepted

# Codes whose cause only the portal's data can tell.
_ASK_ITEM = frozenset({"ACCESS_DENIED"})
_ASK_CHATS = frozenset({"CHAT_NOT_IN_CRM"})
_ASK_PERSON = frozenset({"ACCESS_DENIED", "CRM_CHAT_USER_NOT_ACTIVE", "WRONG_REQUEST"})

# What the chat itself says to who may not bring people in.
_NO_MEMBER = frozenset({"WRONG_REQUEST", "ACCESS_ERROR", "ACCESS_DENIED_EXTEND"})


@dataclass(frozen=True, slots=True)
class Denied:
    """One person the portal would not add, and what it said."""

    person: Person
    refused: Refused


def denied_of(memberships: Sequence[Membership]) -> list[Denied]:
    """Give those whom the portal would not add, or not remove."""
    return [Denied(one.person, one.refused) for one in memberships if one.refused]


@dataclass(eq=False, slots=True)
class Diagnosis:
    """Finds the cause of a refusal; asks the portal about all the people at once."""

    _requester: Requester
    _lines: OpenLines
    _users: Users
    _command: Accepted

    async def explain(self, denied: Sequence[Denied], item: CrmItem, chat_id: int) -> list[Missed]:
        """Say why each of these people was not added.

        ``chat_id`` is the chat that is meant, as far as it is known.
        """
        facts = dict(await self._facts(_questions(denied, item, chat_id)))
        lacking = {one.person.id for one in denied if lacks_history(one.refused)}
        if lacking:
            line_id = read_dialog(chat_id, facts.get("dialog")).line_id
            facts["queue"] = queue = await self._lines.known_queue(line_id)
            if queue is not None:
                # Somebody of it is refused only where the requester's role reaches nobody.
                facts["closed"] = not lacking.isdisjoint(queue)
        told = [(one, self._of(_explain, one, item, chat_id, facts)) for one in denied]
        return [await self._missed(one, why, _account_of(one.person, facts)) for one, why in told]

    async def explain_removal(
        self, denied: Sequence[Denied], item: CrmItem, chat_id: int
    ) -> list[Missed]:
        """Say why each of these people was not removed."""
        facts = await self._facts(_questions(denied, item, chat_id))
        return [
            Missed(one.person, self._of(_explain_removal, one, item, chat_id, facts))
            for one in denied
        ]

    async def explain_by_chat(
        self, denied: Sequence[Denied], accounts: Mapping[int, Account]
    ) -> list[Missed]:
        """Say why the chat itself did not take each of these people of the staff."""
        pairs = [(one, accounts[one.person.id]) for one in denied]
        reference = self._command.reference
        return [
            await self._missed(one, _explain_by_chat(one, who, reference), who)
            for one, who in pairs
        ]

    def of(self, refused: Refused) -> Refusal:
        """Explain a refusal that nothing but its code tells about: none of people in a chat."""
        return system_refusal(refused, self._command.reference)

    def unclear(self, memberships: Sequence[Membership]) -> list[Missed]:
        """Give those of whom nobody can tell what came of adding or removing them."""
        people = [one.person for one in memberships if one.unclear]
        return [Missed(one, OutcomeUnclear(one, self._command.reference)) for one in people]

    def _of(
        self,
        explain: Callable[[Denied, CrmItem, int, Mapping[str, Any], str], Refusal],
        one: Denied,
        item: CrmItem,
        chat_id: int,
        facts: Mapping[str, Any],
    ) -> Refusal:
        why = explain(one, item, chat_id, facts, self._command.reference)
        if not isinstance(why, DialogFinished):
            return why
        return of_chat(why, chat_id, self._command.event.chat.id)

    async def _missed(self, one: Denied, why: Refusal, who: Account | None) -> Missed:
        """Name somebody else in place of who is dismissed: their head."""
        if not isinstance(why, PersonDismissed):
            return Missed(one.person, why)
        try:
            head = await self._users.head_of(who) if who else 0
            found = (await self._users.accounts([head])).get(head)
        except Bitrix24Error:
            found = None
        return Missed(one.person, PersonDismissed(one.person, found.person if found else None))

    async def _facts(self, calls: Mapping[str, Call]) -> Mapping[str, Any]:
        if not calls:
            return {}
        try:
            return await self._requester.ask_all(calls)
        except Bitrix24Error:
            # The refusal is certain, only its cause is not.
            return {}


def system_refusal(refused: Refused, reference: str) -> Refusal:
    """Explain an error that any method may answer with. Page: system-errors.md."""
    told = _of_platform(refused)
    if told is None and refused.code in ("ACCESS_DENIED", "ACCESS_ERROR"):
        return AccessRefused()
    return told or UnknownRefusal(refused.code, refused.description, reference)


def _of_platform(refused: Refused) -> Refusal | None:
    """Explain an error that is about the portal or the app, whatever was asked."""
    if refused.code == "ACCESS_DENIED":
        # One code for very different things: only its words tell them apart.
        return next((kind() for words, kind in _DENIED if words.search(refused.description)), None)
    kind = _PLATFORM.get(refused.code)
    return kind() if kind else None


_PLATFORM: Mapping[str, type[Refusal]] = {
    "insufficient_scope": ScopeMissing,
    "invalid_scope": ScopeMissing,
    "user_access_error": AppClosed,
    "INVALID_CREDENTIALS": AppClosed,
    "PAYMENT_REQUIRED": SubscriptionEnded,
    "IM_NOT_INSTALLED": MessengerMissing,
    "METHOD_CONFIRM_WAITING": ConsentAwaited,
    "METHOD_CONFIRM_DENIED": ConsentDenied,
    "PORTAL_DELETED": PortalClosed,
    "APPLICATION_NOT_FOUND": AppMissing,
    "invalid_client": AppMissing,
    "wrong_client": AppMissing,
    "ERROR_METHOD_NOT_FOUND": PortalOutdated,
    "expired_token": ClockWrong,
}

# Source: the rest module, OAuth\\Auth::check and CRestServer.
_DENIED: tuple[tuple[re.Pattern[str], type[Refusal]], ...] = (
    (re.compile(r"\bonly (on|for) .*plans?\b", re.I), PlanLacksRest),
    (re.compile(r"\bbe authorized in this context\b", re.I), LoginNeeded),
)


def _questions(denied: Sequence[Denied], item: CrmItem, chat_id: int) -> dict[str, Call]:
    codes = {one.refused.code for one in denied}
    calls: dict[str, Call] = {}
    if codes & _ASK_ITEM:
        calls["item"] = item_call(item)
    if codes & _ASK_CHATS:
        calls["active"] = chats_call(item)
        calls["all"] = chats_call(item, ACTIVE_ONLY="N")
    if chat_id and codes & (_ASK_ITEM | _ASK_CHATS):
        calls["dialog"] = dialog_call(chat_id)
    people = [one.person.id for one in denied if one.refused.code in _ASK_PERSON]
    return calls | {f"user{number}": account_call(number) for number in people}


def _explain(
    one: Denied, item: CrmItem, chat_id: int, facts: Mapping[str, Any], reference: str
) -> Refusal:
    person, refused = one.person, one.refused
    if told := _of_platform(refused):
        return told
    if stranger := stranger_of(person, _account_of(person, facts)):
        return stranger
    match refused.code:
        case "ACCESS_DENIED":
            return _access(one, item, facts)
        case "CHAT_NOT_IN_CRM":
            return _dialog(person, item, chat_id, facts)
        case "CRM_CHAT_USER_NOT_ACTIVE":
            return _unavailable(person, facts)
        case "WRONG_REQUEST":
            return NotAdded(person)
        case "ERROR_ARGUMENT":
            return WrongRequest(person, refused.code, reference)
    return system_refusal(refused, reference)


def _explain_removal(
    one: Denied, item: CrmItem, chat_id: int, facts: Mapping[str, Any], reference: str
) -> Refusal:
    if told := _of_platform(one.refused):
        return told
    match one.refused.code:
        case "ACCESS_DENIED":
            return (
                RequesterLacksItem(item) if lacks_item(facts.get("item")) else RemovalDenied(item)
            )
        case "CHAT_DELETE_USER_PERMISSION_DENIED":
            return RemovalDenied(item)
        case "CRM_CHAT_USER_NOT_ACTIVE":
            return AccountOff(one.person)
        case "WRONG_REQUEST" | "USER_NOT_FOUND":
            return NotHere(one.person)
        case "CHAT_NOT_IN_CRM":
            return _dialog(one.person, item, chat_id, facts)
        case "ERROR_ARGUMENT" | "CRM_CHAT_EMPTY_USER" | "CRM_CHAT_EMPTY_CRM_DATA":
            return WrongRequest(one.person, one.refused.code, reference, leaving=True)
    return system_refusal(one.refused, reference)


def _account_of(person: Person, facts: Mapping[str, Any]) -> Account | None:
    return read_account(facts.get(f"user{person.id}"), person.id)


def stranger_of(person: Person, found: Account | None) -> Refusal | None:
    """Recognise those who are none of the staff, whatever the portal calls the reason."""
    if found is None:
        return None
    if found.customer:
        return IsCustomer(person, here=False)
    if found.bot:
        return IsBot(person)
    return IsExtranet(person) if found.extranet else None


def obstacle(person: Person, found: Account | None) -> Refusal | None:
    """Say why nobody is to bring somebody in: they are none of the staff, or have left it."""
    stranger = stranger_of(person, found)
    return stranger or (PersonDismissed(person) if found and not found.active else None)


def _access(one: Denied, item: CrmItem, facts: Mapping[str, Any]) -> Refusal:
    # The texts may change: they are hints, the item itself is the better witness.
    found, said = facts.get("item"), one.refused.description.lower()
    if lacks_item(facts.get("item")):
        return RequesterLacksItem(item)
    about = read_card(item, found)
    if "this crm" in said:
        # Who lacks it themselves cannot give it.
        is_other = about.responsible_id not in (0, one.person.id)
        responsible = Person(id=about.responsible_id) if is_other else None
        return PersonLacksItem(one.person, about.item, responsible)
    if lacks_history(one.refused):
        is_deserted = facts.get("queue") == ()
        return RequesterLacksHistory((one.person,), about.item, facts.get("closed"), is_deserted)
    if "join user" in said and row(found, "item"):
        return RequesterLacksLine(about.item, one.person)
    return AccessUnclear(one.person, about.item)


def _explain_by_chat(one: Denied, who: Account, reference: str) -> Refusal:
    if not who.active:
        return PersonDismissed(one.person)
    if one.refused.code in _NO_MEMBER:
        return NotByChat(one.person)
    return system_refusal(one.refused, reference)


def _dialog(person: Person, item: CrmItem, chat_id: int, facts: Mapping[str, Any]) -> Refusal:
    """Tell a dialog that is over from one that waits: both are listed, but not as active."""
    known, active = read_chats(facts.get("all")), read_chats(facts.get("active"))
    is_idle = chat_id in known and chat_id not in active
    is_over = read_dialog(chat_id, facts.get("dialog")).is_over
    if is_idle and is_over:
        return DialogFinished(item)
    return DialogNotActive((person,), item, waits=is_idle and is_over is False)


def _unavailable(person: Person, facts: Mapping[str, Any]) -> Refusal:
    """Tell who is dismissed from who is only out of the requester's reach."""
    found, seen = facts.get(f"user{person.id}"), _account_of(person, facts)
    is_gone = isinstance(found, Refused) and found.code == "USER_NOT_EXISTS"
    is_off = seen is not None and not seen.active
    return PersonDismissed(person) if is_gone or is_off else PersonUnavailable(person)
