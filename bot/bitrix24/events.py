"""What Bitrix24 posts, as typed values."""

import hashlib
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_camel

from bot.bitrix24.entities import CrmItem, Person

Id = Annotated[int, Field(ge=0, le=2**63 - 1)]


def _flag(value: object) -> bool:
    return value not in ("", "0", "N", "n", "false", 0, None)


Flag = Annotated[bool, BeforeValidator(_flag)]


class MalformedEvent(ValueError):
    """An event lacks what it must have; the message names the fields, never their values."""


class Part(BaseModel):
    """A part of an event: every scalar may come as a string, absent and empty are the same."""

    model_config = ConfigDict(
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        alias_generator=to_camel,
        populate_by_name=True,
    )

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: item for key, item in value.items() if item not in ("", None)}
        return {} if value in ("", [], None) else value


class Auth(Part):
    """The top-level ``auth`` of an event: who posts, and perhaps a user's tokens."""

    model_config = ConfigDict(alias_generator=None)

    application_token: SecretStr = SecretStr("")
    member_id: str = Field("", max_length=64)
    access_token: SecretStr | None = None
    refresh_token: SecretStr | None = None
    expires: float | None = None
    expires_in: float | None = None
    user_id: Id | None = None
    server_endpoint: str = Field("", max_length=255)


class Bot(Part):
    """The bot an event is for."""

    id: Id


class User(Part):
    """Who typed or pressed. Page: chat-bots-v2/entities.md."""

    id: Id
    name: str = ""
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


class Message(Part):
    """The message of a command; for a press, the message that carries the buttons."""

    id: Id
    author_id: Id = 0
    text: str = ""


class Chat(Part):
    """The chat of a command. ``dialog_id`` is ``chat5``, or the user's id in a private talk."""

    id: Id = 0
    dialog_id: str = Field(min_length=1, max_length=64)
    entity_type: str = ""
    entity_id: str = ""
    entity_data_1: str = Field("", alias="entityData1")
    entity_data_2: str = Field("", alias="entityData2")
    entity_data_3: str = Field("", alias="entityData3")

    @property
    def is_open_line(self) -> bool:
        """Say whether a customer is on the other side."""
        return self.entity_type == "LINES"

    @property
    def item(self) -> CrmItem | None:
        """The CRM item that this chat is bound to, as far as the event tells."""
        return CrmItem.bound(self.entity_data_2, self.entity_data_1)

    @property
    def tells_binding(self) -> bool:
        """Say whether the event carried the binding, be it all zeros."""
        return bool(self.entity_data_2 or self.entity_data_1)

    @property
    def customer_id(self) -> int | None:
        """The customer of an open-line chat: the fourth part of ``telegrambot|1|786792|599``."""
        parts = self.entity_id.split("|")
        return int(parts[3]) if len(parts) > 3 and parts[3].isdecimal() else None


class Command(Part):
    """A command line: ``command`` keeps its slash, ``params`` its BB codes."""

    id: Id
    command: str = Field(min_length=1, max_length=255)
    params: str = ""
    context: Literal["textarea", "keyboard", "menu"] | str = "textarea"


class CommandEvent(Part):
    """Somebody typed a command or pressed a button: ONIMBOTV2COMMANDADD. Holds no token."""

    member_id: str = ""
    bot: Bot
    command: Command
    message: Message
    chat: Chat
    user: User
    language: str = Field("", max_length=16)

    @property
    def name(self) -> str:
        """The command's name without its slash."""
        return self.command.command.lstrip("/")

    @property
    def is_press(self) -> bool:
        """Say whether a button was pressed, rather than a line typed."""
        return self.command.context != "textarea"

    @property
    def identity(self) -> str:
        """What makes two deliveries the same: 64 hexadecimal digits."""
        parts = [
            self.member_id,
            str(self.message.id),
            str(self.command.id),
            self.command.params,
            self.command.context,
            str(self.user.id) if self.is_press else "",
        ]
        return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()

    @property
    def afresh(self) -> Self:
        """The command without what the event told of its chat's binding: that may be old."""
        chat = self.chat.model_copy(update={"entity_data_1": "", "entity_data_2": ""})
        return self.model_copy(update={"chat": chat})

    @property
    def lane(self) -> str:
        """The chat whose commands wait for each other."""
        return f"{self.member_id}/{self.chat.dialog_id}"

    @property
    def line(self) -> int:
        """Where in its message the command stands, counted from 0."""
        lines = self.message.text.replace("[BR]", "\n").replace("#BR#", "\n").split("\n")
        typed = f"{self.command.command} {self.command.params}".strip()
        return next((n for n, line in enumerate(lines) if line.strip() == typed), len(lines))


class Envelope(Part):
    """Any event: its name, its ``data`` as it came, and who posts it."""

    event: str = Field(min_length=1, max_length=64)
    data: dict[str, Any] = Field(default_factory=dict)
    auth: Auth = Field(default_factory=Auth)

    @classmethod
    def read(cls, form: dict[str, Any]) -> Self:
        """Read a decoded form. Raises ``MalformedEvent``."""
        try:
            return cls.model_validate(form)
        except ValidationError as error:
            raise MalformedEvent(_fields(error)) from None

    def command(self, member_id: str) -> CommandEvent:
        """Read the command of an ONIMBOTV2COMMANDADD. Raises ``MalformedEvent``."""
        try:
            return CommandEvent.model_validate({**self.data, "member_id": member_id})
        except ValidationError as error:
            raise MalformedEvent(_fields(error)) from None


def _fields(error: ValidationError) -> str:
    return ", ".join(".".join(str(part) for part in e["loc"]) for e in error.errors())
