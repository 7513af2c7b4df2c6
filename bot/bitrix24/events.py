"""A command that somebody gave, as Bitrix24 tells of it: typed values, and no token."""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Self

from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema, core_schema

from bot.bitrix24.entities import CrmItem, Person, read_binding
from bot.bitrix24.numerals import read_number
from bot.bitrix24.rows import LONGEST_NAME, text

Id = Annotated[int, Field(ge=0, le=2**63 - 1)]

_BREAK = re.compile(r"\[BR\]|#BR#|\r\n?", re.IGNORECASE)

# A mention as it was typed, or as the portal has written it anew: ``[USER=12 REPLACE]Name[/USER]``.
_MENTION = re.compile(
    r"\[(USER|CHAT)=([^\s\]]{0,20}+)[^\]]{0,64}+\].{0,255}?\[/\1\]", re.IGNORECASE
)
_SLASHES = re.compile(r"^/+")

# What the portal says of a command: how somebody gave it.
CONTEXTS = ("textarea", "keyboard", "menu")

# The context of the bot's own acts, which no portal sends.
INTERNAL = "timer"

# The context of what a visitor has asked for on a page of ours, which no portal sends either.
PAGE = "page"

# What the bot does by itself where somebody opens the private talk with it.
GREET = "greet"


@dataclass(frozen=True, slots=True)
class Spare:
    """Marks a field that no command hangs on: what cannot be read is taken for ``default``."""

    default: Any

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Have pydantic do it without a call of ours."""
        return core_schema.with_default_schema(
            handler(source), default=self.default, on_error="default"
        )


# A flag in doubt is set.
Flag = Annotated[bool, Spare(True)]

# The messenger cuts what people write after so many characters; names are far shorter.
LONGEST_MESSAGE = 20_000


def _cut(longest: int) -> BeforeValidator:
    return BeforeValidator(lambda value: value[:longest] if isinstance(value, str) else value)


Written = Annotated[str, _cut(LONGEST_MESSAGE)]
Name = Annotated[str, _cut(LONGEST_NAME), Spare("")]
# What would mean something else if it were cut.
Uncut = Annotated[str, Field(max_length=LONGEST_NAME)]


class Part(BaseModel):
    """A part of an event: every scalar may come as a string."""

    model_config = ConfigDict(
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        alias_generator=to_camel,
        populate_by_name=True,
    )

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Give a copy with other fields; what is worked out of them is worked out anew."""
        copied = super().model_copy(update=update, deep=deep)
        for name in copied.__dict__.keys() - type(self).model_fields.keys():
            del copied.__dict__[name]
        return copied


class Bot(Part):
    """The bot an event is for."""

    id: Id


class User(Part):
    """Who typed or pressed. Page: chat-bots-v2/entities.md."""

    id: Id
    name: Name = ""
    extranet: Flag = False
    bot: Flag = False
    connector: Flag = False

    @property
    def is_external(self) -> bool:
        """Say whether this is a customer, an extranet user or a bot: they command nothing."""
        return self.connector or self.extranet or self.bot

    @property
    def person(self) -> Person:
        """The user as a person to name."""
        return Person(id=self.id, name=self.name)


class MessageParams(Part):
    """Of what a message carries this alone matters; a keyboard need not be kept."""

    component_id: Annotated[
        str, Spare(""), Field(validation_alias=AliasChoices("COMPONENT_ID", "componentId"))
    ] = ""


class Message(Part):
    """The message of a command; for a press, the message that carries the buttons."""

    id: Id
    author_id: Annotated[Id, Spare(0)] = 0
    text: Written = ""
    params: Annotated[MessageParams, Spare(MessageParams())] = MessageParams()
    forward: Flag = False

    @property
    def is_hidden(self) -> bool:
        """Say whether the message was written so that the customer does not get it."""
        return self.params.component_id == "HiddenMessage"


class Chat(Part):
    """The chat of a command. ``dialog_id`` is ``chat5``, or the user's id in a private talk."""

    id: Id = 0
    dialog_id: str = Field(min_length=1, max_length=64)
    name: Name = ""
    owner: Annotated[Id, Spare(0)] = 0
    entity_type: Uncut = ""
    entity_id: Annotated[Uncut, Spare("")] = ""
    entity_data_1: Annotated[Uncut, Spare(""), Field(alias="entityData1")] = ""
    entity_data_2: Annotated[Uncut, Spare(""), Field(alias="entityData2")] = ""
    entity_data_3: Annotated[Uncut, Spare(""), Field(alias="entityData3")] = ""

    @model_validator(mode="before")
    @classmethod
    def _with_id(cls, value: Any) -> Any:
        """Take a chat's number off its ``dialog_id`` where it does not tell that itself."""
        if not isinstance(value, dict) or read_number(value.get("id")) is not None:
            return value
        number = read_number(text(value.get("dialogId")).removeprefix("chat"))
        is_chat = text(value.get("dialogId")).startswith("chat")
        return {**value, "id": number if is_chat and number else 0}

    @property
    def is_open_line(self) -> bool:
        """Say whether a customer is on the other side."""
        return self.entity_type == "LINES"

    @property
    def is_private(self) -> bool:
        """Say whether this is somebody's own talk with the bot."""
        return not self.dialog_id.startswith(("chat", "sg"))

    @property
    def is_hidden(self) -> bool:
        """Say whether the chat is in hidden mode: the customer sees nothing of it."""
        return self.entity_data_3 == "Y"

    @property
    def item(self) -> CrmItem | None:
        """The CRM item whose internal chat this is (``CRM``, ``DEAL|288``), if it is one's."""
        return CrmItem.bound(self.entity_id) if self.entity_type == "CRM" else None

    @cached_property
    def binding(self) -> dict[str, int]:
        """What this open-line chat is bound to, as far as the event tells."""
        return read_binding(self.entity_data_2, self.entity_data_1)

    @property
    def items(self) -> list[CrmItem]:
        """Every CRM item that this open-line chat is bound to, as far as the event tells."""
        return CrmItem.among(self.binding)

    @property
    def bound_item(self) -> CrmItem | None:
        """The first of these items, which is meant where nobody names one."""
        return next(iter(self.items), None)

    @property
    def line_id(self) -> int:
        """The open line: the second part of ``telegrambot|1|786792|599``; 0 if it is not told."""
        parts = self.entity_id.split("|") if self.is_open_line else []
        return (read_number(parts[1]) or 0) if len(parts) > 1 else 0

    @property
    def group_id(self) -> int:
        """The workgroup whose own chat this is; 0 for any other chat."""
        return (read_number(self.entity_id) or 0) if self.entity_type == "SONET_GROUP" else 0

    @property
    def tells_binding(self) -> bool:
        """Say whether the event carried a binding that can be read, be it all zeros."""
        is_none = self.entity_data_1.startswith("N|")
        return is_none or bool(self.binding)

    @property
    def customer_id(self) -> int | None:
        """The customer of an open-line chat: the fourth part of ``telegrambot|1|786792|599``."""
        parts = self.entity_id.split("|")
        return read_number(parts[3]) if len(parts) > 3 else None


class CommandLine(Part):
    """A command line: ``command`` keeps its slash, ``params`` its BB codes."""

    id: Id
    command: str = Field(min_length=1, max_length=255)
    params: Written = ""
    context: Uncut = "textarea"


class CommandEvent(Part):
    """Somebody typed a command or pressed a button: ONIMBOTV2COMMANDADD. Holds no token.

    ``ts`` is when that was, by the portal's clock, in unix seconds.
    """

    member_id: str = ""
    bot: Bot
    command: CommandLine
    message: Message
    chat: Chat
    user: User
    language: Annotated[str, Field(max_length=16), Spare("")] = ""
    ts: Annotated[float | None, Field(allow_inf_nan=False), Spare(None)] = None

    @cached_property
    def name(self) -> str:
        """The command's name without its slash."""
        return self.command.command.lstrip("/")

    @cached_property
    def is_typed(self) -> bool:
        """Say whether a line was typed: it may have been seen by whoever reads the chat."""
        return self.command.context == "textarea"

    @cached_property
    def is_of_page(self) -> bool:
        """Say whether it was asked for on a page of ours, and nothing was said in the chat."""
        return self.command.context == PAGE

    @cached_property
    def identity(self) -> str:
        """What makes two deliveries the same: 64 hexadecimal digits.

        A line that stands twice in a message, quoted and said, is one command.
        """
        parts = [
            self.member_id,
            str(self.message.id),
            str(self.command.id),
            bare_line(self.command.params),
            self.command.context,
            str(self.user.id),
        ]
        told = "\x1f".join(parts).encode()
        # Numbers that grow keep new rows side by side in the database's index.
        return f"{self.message.id:016x}{hashlib.sha256(told).hexdigest()[:48]}"

    @cached_property
    def stored(self) -> str:
        """The event as it is kept: JSON, without what is as it mostly is."""
        return self.model_dump_json(by_alias=True, exclude_defaults=True)

    @property
    def afresh(self) -> Self:
        """The command without its chat's binding and operator: what the event told may be old."""
        old = {"entity_data_1": "", "entity_data_2": "", "owner": 0}
        chat = self.chat.model_copy(update=old)
        return self.model_copy(update={"chat": chat})

    @cached_property
    def lane(self) -> str:
        """The chat whose commands wait for each other."""
        return f"{self.member_id}/{self.chat.dialog_id}"

    @cached_property
    def line(self) -> int:
        """Where in its message the command stands, counted from 0."""
        lines, typed = lines_of(self.message.text), self.typed_line
        return next((n for n, line in enumerate(lines) if bare_line(line) == typed), len(lines))

    @cached_property
    def typed_line(self) -> str:
        """The line that the command was typed in, as ``bare_line`` writes it."""
        return bare_line(f"{self.command.command} {self.command.params}")

    def earlier_lines(self, is_spelled: Callable[[str], bool]) -> int:
        """Say how many lines before it are commands of the bot's: each has an event of its own."""
        if not self.line:
            return 0
        lines = map(str.lstrip, lines_of(self.message.text)[: self.line])
        typed = {bare_line(line) for line in lines if line.startswith("/")}
        return sum(is_spelled(one.removeprefix("/").partition(" ")[0]) for one in typed)

    @property
    def is_authors(self) -> bool:
        """Say whether a typed command is the author's of its message, as far as that is told."""
        return not self.is_typed or self.message.author_id in (0, self.user.id)

    @property
    def size(self) -> int:
        """How many bytes it takes to store the command, about."""
        texts = (self.message.text, self.command.params, self.user.name, self.chat.entity_data_2)
        return 500 + len("".join(texts).encode())

    def with_text(self, text: str) -> Self:
        """Give the event with another text of its message."""
        return self.model_copy(update={"message": self.message.model_copy(update={"text": text})})

    def about(self, name: str, params: str) -> Self:
        """Give the event of another command, typed at the same place by the same person."""
        command = self.command.model_copy(update={"command": f"/{name}", "params": params})
        return self.model_copy(update={"command": command})


def lines_of(text: str) -> list[str]:
    """Split a message as the messenger does before it looks for commands."""
    return _BREAK.sub("\n", text).split("\n")


def bare_line(line: str) -> str:
    """Write a line as it can be compared: mentions by their ids alone, spaces and slashes alike."""
    words = _MENTION.sub(lambda found: f"[{found[1].upper()}={found[2]}]", line).split()
    return _SLASHES.sub("/", " ".join(words))
