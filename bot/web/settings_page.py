"""What administrators decide for their portal."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from pydantic import ValidationError

from bot.bitrix24.entities import Person
from bot.bitrix24.errors import Bitrix24Error
from bot.bitrix24.people import Account, Found
from bot.portals.colleagues import Colleagues
from bot.portals.settings import ByChat, PortalSettings, PortalSettingsStore, WorkingHours
from bot.portals.visitors import Visitor
from bot.web import escalation_form
from bot.web.escalation_form import mapping, one_of
from bot.web.frame import Form
from bot.wording.rendering import Wording

# More people on duty than this nobody calls one after the other.
MOST_ON_DUTY = 30
MOST_NAMES = 10

BY_CHAT = get_args(ByChat)


@dataclass(frozen=True, slots=True)
class Shown:
    """A command as the page shows it."""

    name: str
    title: str
    hint: str
    is_on: bool


WhyNot = Literal["nobody", "several", "dismissed", "external", "server", "full", "many"]


@dataclass(frozen=True, slots=True)
class NotOnDuty:
    """Words that put nobody on duty, and why: who bears the name are the ``matches``."""

    words: str
    why: WhyNot
    matches: Sequence[Found] = ()


@dataclass(eq=False, slots=True)
class SettingsPage:
    """Shows and stores the decisions."""

    _store: PortalSettingsStore
    _colleagues: Colleagues
    _wording: Wording
    _commands: Sequence[str]

    async def commands(self, visitor: Visitor) -> list[Shown]:
        """List the commands, and which of them are on."""
        off = (await self._store.of(visitor.portal.member_id)).commands_off
        worded = {name: self._wording.command(name, visitor.language) for name in self._commands}
        return [Shown(name, it.title, it.hint, name not in off) for name, it in worded.items()]

    async def show(self, visitor: Visitor, _posted: Form) -> dict[str, Any]:
        """Give what the form shows."""
        return await self._shown_form(visitor)

    async def save(self, visitor: Visitor, posted: Form) -> dict[str, Any]:
        """Store what was changed in the form; people who could not be put on duty are told of.

        What somebody else has changed since the form was shown stays, and is told of too.
        """
        if (seen := _seen(posted)) is None:
            return await self._shown_form(visitor, unread=["form"])
        mine, unclear, unread = await self._decided(visitor, posted, seen)
        crossed = await self._stored(visitor, mine, seen)
        return await self._shown_form(
            visitor, saved=True, unclear=unclear, unread=unread, crossed=crossed
        )

    async def _decided(
        self, visitor: Visitor, posted: Form, seen: PortalSettings
    ) -> tuple[dict[str, Any], list[NotOnDuty], list[str]]:
        """Read what was changed in the form, who is not put on duty, and what nobody can read."""
        wanted, unread = escalation_form.decided(posted, seen)
        duty, unclear = await self._duty(visitor, posted, seen.duty)
        decided = {
            "default_language": one_of(posted.get("language"), self._wording.languages),
            "duty": duty,
            "commands_off": tuple(
                name for name in self._commands if name not in mapping(posted, "on")
            ),
            "errors_in_chat": "errors_in_chat" in posted,
            "enterprise": "enterprise" in posted,
            "by_chat": one_of(posted.get("by_chat"), BY_CHAT) or "ask",
        }
        return wanted.model_copy(update=decided).changed(seen), unclear, unread

    async def _stored(
        self, visitor: Visitor, mine: dict[str, Any], seen: PortalSettings
    ) -> list[str]:
        """Store what was changed, and name what somebody else has changed otherwise meanwhile."""

        def decide(now: PortalSettings) -> PortalSettings:
            untouched = mine.keys() - now.changed(seen)
            return now.model_copy(update={name: mine[name] for name in untouched})

        before = await self._store.change(visitor.portal.member_id, decide)
        theirs = before.changed(seen)
        return [name for name, value in mine.items() if theirs.get(name, value) != value]

    async def _shown_form(
        self,
        visitor: Visitor,
        *,
        saved: bool = False,
        unclear: Sequence[NotOnDuty] = (),
        unread: Sequence[str] = (),
        crossed: Sequence[str] = (),
    ) -> dict[str, Any]:
        settings = await self._store.fresh(visitor.portal.member_id)
        known = await self._colleagues.accounts(visitor.portal, visitor.user_id, settings.duty)
        return {
            "view": "settings",
            "settings": settings,
            "duty": [known.get(one, Account(Person(id=one))) for one in settings.duty],
            "hours": settings.hours or WorkingHours(days=(), zone=str(visitor.time_zone)),
            "commands": await self.commands(visitor),
            "languages": self._wording.languages,
            "roles": escalation_form.ROLES,
            "minutes": escalation_form.MINUTES,
            "at_end": escalation_form.AT_END,
            "not_needed": escalation_form.NOT_NEEDED,
            "by_chat": BY_CHAT,
            "saved": saved,
            "unclear": unclear,
            "unread": unread,
            "crossed": crossed,
            "was": settings.model_dump_json(),
        }

    async def _duty(
        self, visitor: Visitor, posted: Form, before: Sequence[int]
    ) -> tuple[tuple[int, ...], list[NotOnDuty]]:
        """Read who is on duty: those who have been, in their order, then whom the portal knows."""
        kept, new = escalation_form.duty(posted, before)
        named = [*map(str, new), *_named(posted)]
        found, unclear = await self._found(visitor, named[:MOST_NAMES])
        known = await self._colleagues.accounts(visitor.portal, visitor.user_id, list(found))
        for number, words in found.items():
            if number in kept:
                continue
            if why := _obstacle(known.get(number), len(kept)):
                unclear.append(NotOnDuty(words, why))
            else:
                kept.append(number)
        if left := named[MOST_NAMES:]:
            unclear.append(NotOnDuty(", ".join(left[:MOST_ON_DUTY]), "many"))
        return tuple(kept[:MOST_ON_DUTY]), unclear

    async def _found(
        self, visitor: Visitor, named: Sequence[str]
    ) -> tuple[dict[int, str], list[NotOnDuty]]:
        """Find the people whom words name, by their ids, and say which words name nobody."""
        found: dict[int, str] = {}
        unclear: list[NotOnDuty] = []
        for words in named:
            try:
                matches = await self._colleagues.find(visitor.portal, visitor.user_id, words)
            except Bitrix24Error:
                unclear.append(NotOnDuty(words, "server"))
                continue
            # The dismissed are meant only where nobody else is.
            matches = [one for one in matches if one.active] or matches
            if len(matches) == 1:
                found[matches[0].person.id] = words
            else:
                why: WhyNot = "several" if matches else "nobody"
                unclear.append(NotOnDuty(words, why, matches[:MOST_NAMES]))
        return found, unclear


def _seen(posted: Form) -> PortalSettings | None:
    """Read what the form has shown; ``None`` where that, its last field, has not arrived."""
    try:
        return PortalSettings.model_validate_json(str(posted.get("was", "")))
    except ValidationError:
        return None


def _named(posted: Form) -> Iterator[str]:
    """Give the names and numbers, separated by commas, of people to be put on duty."""
    for words in str(posted.get("add", "")).split(","):
        if words.strip():
            yield words.strip()[:100]


def _obstacle(who: Account | None, on_duty: int) -> WhyNot | None:
    """Say why somebody whom the portal has found is not put on duty."""
    if who is None:
        return "server"
    if who.is_external:
        return "external"
    if not who.active:
        return "dismissed"
    return "full" if on_duty >= MOST_ON_DUTY else None
