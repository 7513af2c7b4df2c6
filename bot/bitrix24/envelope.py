"""What Bitrix24 posts: any event, who posts it, and the command in it."""

from collections.abc import Callable
from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, SecretStr, StringConstraints, ValidationError

from bot.bitrix24.events import GREET, INTERNAL, LONGEST_MESSAGE, CommandEvent, Id, Part, Spare
from bot.bitrix24.network import parts_of
from bot.bitrix24.numerals import read_number
from bot.bitrix24.rows import row, text
from bot.bitrix24.token_pair import TokenPair

# Bitrix24's own have some 70 characters.
Token = Annotated[SecretStr, Field(max_length=1_000)]


class MalformedEvent(ValueError):
    """An event lacks what it must have; the message names the fields, never their values."""


class Auth(Part):
    """The top-level ``auth`` of an event: who posts, and perhaps a user's tokens."""

    model_config = ConfigDict(alias_generator=None)

    application_token: Token = SecretStr("")
    member_id: str = Field("", max_length=64)
    access_token: Annotated[Token | None, Spare(None)] = None
    refresh_token: Annotated[Token | None, Spare(None)] = None
    user_id: Annotated[Id | None, Spare(None)] = None
    server_endpoint: Annotated[str, Field(max_length=255), Spare("")] = ""
    client_endpoint: Annotated[str, Field(max_length=255), Spare("")] = ""
    domain: Annotated[str, Field(max_length=255), Spare("")] = ""

    @property
    def pair(self) -> TokenPair | None:
        """The user's tokens, if any came along."""
        return TokenPair(self.access_token, self.refresh_token) if self.access_token else None

    @property
    def home(self) -> str:
        """The host of the portal that the event says it comes from."""
        return (parts_of(self.client_endpoint).netloc or self.domain).lower()


class Envelope(Part):
    """Any event: its name in capitals, its ``data`` as it came, and who posts it."""

    event: Annotated[str, StringConstraints(min_length=1, max_length=64, to_upper=True)]
    data: dict[str, Any] = Field(default_factory=dict)
    auth: Auth = Field(default_factory=Auth)
    ts: Annotated[float | None, Field(allow_inf_nan=False), Spare(None)] = None

    @classmethod
    def read(cls, form: dict[str, Any]) -> Self:
        """Read a decoded form: absent and empty are the same. Raises ``MalformedEvent``."""
        groups = [form]
        for group in groups:
            for name, one in list(group.items()):
                if one and isinstance(one, dict):
                    groups.append(one)
                elif not one and one in ("", None, []):
                    del group[name]
        try:
            return cls.model_validate(form)
        except ValidationError as error:
            raise MalformedEvent(_fields(error)) from None

    def with_member_id(self) -> Self:
        """Name the portal as the bot's own part of the event does, where the event does not."""
        if self.auth.member_id:
            return self
        auth = self.auth.model_copy(update={"member_id": self.bot_auth().member_id})
        return self.model_copy(update={"auth": auth})

    def bot_auth(self) -> Auth:
        """Read what the event tells of the bot's own tokens: nothing, where it is no such block."""
        told = row(self.data, "bot")
        # Older portals gave the keys flat, and once more under a name in capitals.
        auth = next((told[key] for key in ("auth", "AUTH") if told.get(key)), told)
        try:
            return Auth.model_validate(auth)
        except ValidationError:
            return Auth()

    @property
    def chat_id(self) -> int:
        """The chat that it is about; 0 for a private talk, or where that is not told."""
        told = self._dialog_id
        return (read_number(told.removeprefix("chat")) or 0) if told.startswith("chat") else 0

    def private_message(
        self, member_id: str, said_lines: Callable[[str], list[str]]
    ) -> CommandEvent | None:
        """Read what somebody wrote to the bot alone, as a command of number 0; else ``None``.

        The portal sends as ONIMBOTV2MESSAGEADD what is no command of the bot's. ``said_lines``
        gives those lines of a text that are its author's own.
        Raises ``MalformedEvent``.
        """
        if read_number(self._dialog_id) is None:
            return None
        said = text(row(self.data, "message").get("text"), LONGEST_MESSAGE)
        typed = next((line for line in said_lines(said) if line.startswith("/")), "/")
        name, _, params = typed.partition(" ")
        command = {"id": 0, "command": name[:255], "params": params}
        return self.command(member_id, command=command)

    def beginning(self, member_id: str) -> CommandEvent | None:
        """Read that somebody begins a talk with the bot alone, as an act of its own; else ``None``.

        Raises ``MalformedEvent``.
        """
        if read_number(self._dialog_id) is None:
            return None
        act = {"id": 0, "command": GREET, "context": INTERNAL}
        return self.command(member_id, command=act, message={"id": 0})

    @property
    def _dialog_id(self) -> str:
        """What the chat is called by, as far as that is told."""
        return text(row(self.data, "chat").get("dialogId"))

    def _chat(self) -> Any:
        """Give the chat with what it is called by; without any, it is the talk with the bot."""
        chat, user = self.data.get("chat"), self.data.get("user")
        chat = chat if isinstance(chat, dict) else {}
        if chat.get("dialogId") or not isinstance(user, dict):
            return chat
        return {**chat, "dialogId": _dialog_of(chat, user.get("id"))}

    def command(self, member_id: str, **instead: Any) -> CommandEvent:
        """Read the command of an ONIMBOTV2COMMANDADD, with other parts ``instead`` of its own.

        Raises ``MalformedEvent``.
        """
        given = {"chat": self._chat(), "member_id": member_id, "ts": self.ts}
        try:
            event = CommandEvent.model_validate({**self.data, **given, **instead})
        except ValidationError as error:
            raise MalformedEvent(_fields(error)) from None
        if event.is_typed:
            return event
        # The text that a button stands under is the bot's own, and nobody asks for it.
        return event.with_text("")


def _dialog_of(chat: dict[str, Any], user_id: Any) -> str:
    """Say what a chat is called by that does not tell: a press may come so."""
    number = read_number(chat.get("id"))
    is_private = not chat or text(chat.get("type")) in ("private", "user")
    return text(user_id) if is_private else f"chat{number}" if number else ""


def _fields(error: ValidationError) -> str:
    return ", ".join(".".join(str(part) for part in e["loc"]) for e in error.errors())
