"""What administrators decide for their portal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast, get_args

from bot.bitrix24.entities import Person
from bot.portals.colleagues import Colleague, Colleagues
from bot.portals.settings import ByChat, PortalSettings, PortalSettingsStore
from bot.portals.visitors import Visitor
from bot.wording.rendering import Wording

# Whom an escalation may look for.
ROLES = ("responsible", "head", "duty")

# More people on duty than this nobody calls one after the other.
MOST_ON_DUTY = 30
MOST_NAMES = 10

BY_CHAT = get_args(ByChat)

Form = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Shown:
    """A command as the page shows it."""

    name: str
    title: str
    hint: str
    is_on: bool


@dataclass(frozen=True, slots=True)
class Unclear:
    """Words that name nobody, or several people."""

    words: str
    matches: Sequence[Colleague]


@dataclass(eq=False, slots=True)
class SettingsPage:
    """Shows and stores the decisions."""

    _store: PortalSettingsStore
    _colleagues: Colleagues
    _wording: Wording
    _commands: Sequence[str]

    async def commands(self, visitor: Visitor) -> list[Shown]:
        """List the commands, and which of them are on."""
        settings = await self._store.of(visitor.portal.member_id)
        return [self._shown(name, visitor.language, settings) for name in self._commands]

    async def show(self, visitor: Visitor, _posted: Form) -> dict[str, Any]:
        """Give what the form shows."""
        return await self._shown_form(visitor, saved=False, unclear=[])

    async def save(self, visitor: Visitor, posted: Form) -> dict[str, Any]:
        """Store what was decided; people who could not be told apart are asked about."""
        added, unclear = await self._people(visitor, str(posted.get("add", "")))
        settings = PortalSettings(
            default_language=_one_of(posted.get("language"), self._wording.languages),
            duty=_duty(posted, added),
            escalation=_order(posted),
            commands_off=tuple(name for name in self._commands if name not in _map(posted, "on")),
            errors_in_chat="errors_in_chat" in posted,
            enterprise="enterprise" in posted,
            by_chat=_by_chat(posted.get("by_chat")),
        )
        await self._store.save(visitor.portal.member_id, settings)
        return await self._shown_form(visitor, saved=True, unclear=unclear)

    async def _shown_form(
        self, visitor: Visitor, *, saved: bool, unclear: Sequence[Unclear]
    ) -> dict[str, Any]:
        settings = await self._store.of(visitor.portal.member_id)
        names = await self._colleagues.names(visitor.portal, visitor.user_id, settings.duty)
        return {
            "view": "settings",
            "settings": settings,
            "duty": [Person(id=one, name=names.get(one, "")) for one in settings.duty],
            "commands": await self.commands(visitor),
            "languages": self._wording.languages,
            "roles": ROLES,
            "by_chat": BY_CHAT,
            "saved": saved,
            "unclear": unclear,
        }

    async def _people(self, visitor: Visitor, text: str) -> tuple[list[int], list[Unclear]]:
        """Read names and numbers, separated by commas, of people to be put on duty."""
        added: list[int] = []
        unclear: list[Unclear] = []
        named = [words.strip()[:100] for words in text.split(",") if words.strip()]
        for words in named[:MOST_NAMES]:
            matches = await self._colleagues.find(visitor.portal, visitor.user_id, words)
            if len(matches) == 1:
                added.append(matches[0].person.id)
            else:
                unclear.append(Unclear(words, matches[:MOST_NAMES]))
        return added, unclear

    def _shown(self, name: str, language: str, settings: PortalSettings) -> Shown:
        words = self._wording.command(name, language)
        return Shown(name, words.title, words.hint, name not in settings.commands_off)


def _order(posted: Form) -> tuple[str, ...]:
    """Read the order of an escalation: each role once, none where it says so."""
    places = _map(posted, "role")
    chosen = [_one_of(places.get(str(place)), ROLES) for place in range(len(ROLES))]
    return tuple(dict.fromkeys(role for role in chosen if role))


def _by_chat(value: Any) -> ByChat:
    return cast("ByChat", _one_of(value, BY_CHAT) or "ask")


def _duty(posted: Form, added: Sequence[int]) -> tuple[int, ...]:
    """Read who is on duty: those who stay, by their places, then the new ones."""
    places, gone = _map(posted, "place"), _map(posted, "gone")
    kept = [number for number in places if number.isdecimal() and number not in gone]
    kept.sort(key=lambda number: int(places[number]) if str(places[number]).isdecimal() else 999)
    return tuple(dict.fromkeys([*map(int, kept), *added]))[:MOST_ON_DUTY]


def _map(posted: Form, name: str) -> Mapping[str, Any]:
    value = posted.get(name)
    return value if isinstance(value, Mapping) else {}


def _one_of(value: Any, choices: Sequence[str]) -> str:
    return value if isinstance(value, str) and value in choices else ""
