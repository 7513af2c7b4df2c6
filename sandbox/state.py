"""Everything one portal knows, in memory."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sandbox.apps import App
from sandbox.bucket import Bucket
from sandbox.clock import Clock
from sandbox.faults import Faults
from sandbox.journal import Journal
from sandbox.model import (
    Bot,
    Chat,
    Command,
    CrmItem,
    Department,
    Group,
    Line,
    Message,
    User,
)
from sandbox.outbox import Outbox
from sandbox.pulse import Pulse
from sandbox.tokens import Token, Tokens

SCOPES = (
    "imbot",
    "imopenlines",
    "im",
    "crm",
    "user_basic",
    "department",
    "sonet_group",
    "placement",
)

REVISION = 36
DELETED = "Это сообщение было удалено"


@dataclass(frozen=True)
class Settings:
    """What distinguishes one stand-in portal from another."""

    member_id: str = "5f6c0d2b9a1e4783b0c4d5e6f7081920"
    client_id: str = "local.switchboard"
    client_secret: str = "sandbox-secret"
    application_token: str = ""
    scopes: tuple[str, ...] = SCOPES
    bucket_size: float = 50
    bucket_rate: float = 2


class State:
    """The live state; `reset` makes it the seed again without changing its identity."""

    def __init__(self, settings: Settings, plant: Callable[["State"], None]) -> None:
        self.settings = settings
        self._plant = plant
        self.url = ""
        self.oauth_url = ""
        self.outbox = Outbox()
        self.pulse = Pulse()
        self._fill()

    def reset(self) -> None:
        self.outbox.clear()
        self._fill()

    def _fill(self) -> None:
        settings = self.settings
        self.member_id = settings.member_id  # another one when the licence has been renewed
        self.revision = REVISION  # of the messenger's API; boxes lag behind
        self.other_codes: set[str] = set()  # of bots that other makers' apps have registered
        self.clock = Clock()
        self.bucket = Bucket(self.clock, settings.bucket_size, settings.bucket_rate)
        self.faults = Faults()
        self.journal = Journal()
        self.apps: dict[str, App] = {}
        self.app = self.add_app(
            settings.client_id, settings.client_secret, settings.application_token
        )
        self.users: dict[int, User] = {}
        self.departments: dict[int, Department] = {}
        self.chats: dict[int, Chat] = {}
        self.messages: dict[int, Message] = {}
        self.bots: dict[int, Bot] = {}
        self.commands: dict[int, Command] = {}
        self.passes: dict[tuple[int, int], float] = {}  # bot and chat: answers until
        self.crm: dict[tuple[str, int], CrmItem] = {}
        self.groups: dict[int, Group] = {}
        self.lines: dict[int, Line] = {}
        self._numbers = {
            "bot": 456,
            "chat": 10_001,
            "command": 61,
            "message": 90_001,
            "session": 512,
            "lead": 1209,
            "other": 7001,
        }
        self._plant(self)

    def add_app(self, client_id: str, client_secret: str, application_token: str) -> App:
        """Let the portal know one more app, which is not installed yet."""
        scopes, tokens = list(self.settings.scopes), Tokens(self.clock, client_id)
        app = App(client_id, client_secret, application_token, scopes, tokens)
        self.apps[client_id] = app
        return app

    @property
    def tokens(self) -> Tokens:
        """The pairs of the first app."""
        return self.app.tokens

    def find_token(self, access: str) -> Token | None:
        """The token of whichever app, expired or not; None when nobody has issued it."""
        found = (app.tokens.find(access) for app in self.apps.values())
        return next((token for token in found if token is not None), None)

    def number(self, kind: str) -> int:
        """The next id of that kind."""
        number = self._numbers[kind]
        self._numbers[kind] += 1
        return number

    @property
    def domain(self) -> str:
        return self.url.partition("://")[2]

    @property
    def client_endpoint(self) -> str:
        return f"{self.url}/rest/"

    @property
    def server_endpoint(self) -> str:
        return f"{self.oauth_url}/rest/"

    def private_chat(self, bot_id: int, user_id: int) -> Chat | None:
        """The talk between a bot and a person, if there has been one."""
        for chat in self.chats.values():
            if chat.kind == "private" and {bot_id, user_id} == set(chat.members):
                return chat
        return None

    def open_private_chat(self, bot_id: int, user_id: int) -> Chat:
        chat = self.private_chat(bot_id, user_id)
        if chat is None:
            name = self.users[user_id].full_name
            chat = Chat(
                self.number("chat"), "private", name, user_id, [user_id, bot_id], self.clock.now()
            )
            self.chats[chat.id] = chat
        return chat

    def line_chats(self, kind: str, item_id: int) -> Iterator[Chat]:
        """The open-line chats bound to a CRM item."""
        for chat in self.chats.values():
            if chat.entity_type == "LINES" and chat.bindings.get(kind) == item_id:
                yield chat

    def commands_named(self, name: str) -> Iterator[tuple[Command, Bot]]:
        for command in self.commands.values():
            if command.name == name:
                yield command, self.bots[command.bot_id]

    def delete_message(self, message: Message, *, complete: bool) -> None:
        """Blank a message, or let it vanish."""
        message.text, message.keyboard, message.attach = DELETED, None, None
        if complete:
            del self.messages[message.id]
            self.chats[message.chat_id].messages.remove(message)

    def remove_bot(self, bot_id: int) -> None:
        """A bot goes: out of every chat, with its private talks and commands."""
        del self.bots[bot_id]
        self.users[bot_id].active = False
        for chat in list(self.chats.values()):
            if bot_id not in chat.members:
                continue
            chat.members.remove(bot_id)
            if chat.kind == "private":
                del self.chats[chat.id]
                for message in chat.messages:
                    self.messages.pop(message.id, None)
        for command in [c for c in self.commands.values() if c.bot_id == bot_id]:
            del self.commands[command.id]
