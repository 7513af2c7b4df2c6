"""What a command came to, as letters: to whom, where, in which language, with which buttons."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.bitrix24.entities import CrmItem, Offer, Person
from bot.bitrix24.events import Chat
from bot.commands.errors import OtherItem
from bot.commands.outcomes import Outcome, Told
from bot.errors import PermissionNeeded, Refusal
from bot.figures import Ending
from bot.inbox.accepted import Accepted, Button, Place, Reply
from bot.portals.settings import PortalSettings, PortalSettingsStore
from bot.story.buttons import Buttons
from bot.wording.rendering import Languages, Wording

MAX_LINES = 10


@dataclass(slots=True)
class _Letter:
    place: Place
    reader: Person
    language: str
    lines: list[str] = field(default_factory=list)
    buttons: list[Button] = field(default_factory=list)
    spare: bool = True


@dataclass(eq=False, slots=True)
class Letters:
    """Words outcomes and refusals."""

    _wording: Wording
    _languages: Languages
    _settings: PortalSettingsStore
    _buttons: Buttons

    async def write(
        self, told: Sequence[Told], command: Accepted, ending: Ending = Ending.DONE
    ) -> list[Reply]:
        """Give the replies: one for every place and reader."""
        if command.event.is_of_page:
            # Nobody has said anything in the chat: then it is not answered there.
            told = [_elsewhere(one) for one in told]
        settings = await self._settings.of(command.event.member_id)
        letters: dict[tuple[Place, int], _Letter] = {}
        for one in told:
            place, reader = _address(one, command, settings)
            letter = letters.get((place, reader.id))
            if letter is None:
                language = await self._language(place, reader, command)
                letter = letters[place, reader.id] = _Letter(place, reader, language)
            self._add(letter, one, command)
        return [self._reply(one, command, ending) for one in letters.values()]

    async def _language(self, place: Place, reader: Person, command: Accepted) -> str:
        event = command.event
        if place is Place.CHAT:
            return await self._languages.of_portal(event.member_id, event.language)
        return await self._languages.of(event.member_id, reader.id, event.language)

    def _add(self, letter: _Letter, told: Told, command: Accepted) -> None:
        typed_in = _typed_in(told, command) if letter.place is Place.PRIVATE else None
        text, buttons = self._wording.word(told, letter.language, typed_in)
        letter.spare = letter.spare and isinstance(told, Outcome) and told.is_spare
        if text in letter.lines:
            # It offers the same, too.
            return
        letter.lines.append(text)
        offers: Sequence[Offer] = told.offers
        payloads = self._buttons.make(offers, command, letter.reader) if offers else []
        letter.buttons += [
            Button(text=words, link=offer.link, payload=payload)
            for words, offer, payload in zip(buttons, offers, payloads, strict=True)
        ]

    def _reply(self, letter: _Letter, command: Accepted, ending: Ending) -> Reply:
        other = letter.reader.id != command.event.user.id
        return Reply(
            text=self._cut(letter),
            place=letter.place,
            buttons=tuple(letter.buttons),
            parks=ending is Ending.WAITS,
            asks=ending is Ending.ASKED,
            user_id=letter.reader.id if other else 0,
            spare=letter.spare,
        )

    def _cut(self, letter: _Letter) -> str:
        """Put the texts together; in a chat no more than others may be bothered with."""
        texts = letter.lines
        if letter.place is Place.PRIVATE or len(texts) <= MAX_LINES:
            return "\n".join(texts)
        count = len(texts) - MAX_LINES + 1
        more = self._wording.page("more.j2", letter.language, count=count)
        return "\n".join([*texts[: MAX_LINES - 1], more])


def _elsewhere(told: Told) -> Told:
    """Give what is to be told outside of the chat that it is about: it has to say which that is."""
    if isinstance(told, Outcome) and told.here and not told.is_spare:
        return told.model_copy(update={"here": False})
    return told


def _typed_in(told: Told, command: Accepted) -> Chat | None:
    """Give the chat that a private text has to name: where the command was typed.

    ``None`` where it was typed in the private talk itself, or means the chat of another item.
    """
    chat = command.event.chat
    if chat.is_private:
        return None
    item: CrmItem | None = None if isinstance(told, OtherItem) else getattr(told, "item", None)
    if item is None or not chat.tells_binding:
        return chat
    bound = {(one.type, one.id) for one in chat.items}
    return chat if (item.type, item.id) in bound else None


def _address(told: Told, command: Accepted, settings: PortalSettings) -> tuple[Place, Person]:
    event, requester = command.event, command.event.user.person
    private = event.chat.is_private
    if isinstance(told, Refusal):
        private = private or event.is_of_page or not settings.errors_in_chat
        private = private or isinstance(told, PermissionNeeded) or bool(told.offers)
        return (Place.PRIVATE if private else Place.CHAT), requester
    private = private or not told.here or (event.is_of_page and not told.is_spare)
    return (Place.PRIVATE if private or told.to else Place.CHAT), told.to or requester
