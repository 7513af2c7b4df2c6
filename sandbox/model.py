"""What a portal is made of: people, chats, messages, bots, CRM items, groups."""

from dataclasses import dataclass, field
from enum import IntEnum

HISTORY = ("any", "department", "self", "none")


@dataclass
class User:
    """A person, a bot or the customer of an open line, with the rights that matter here."""

    id: int
    name: str
    last_name: str = ""
    gender: str = "M"
    work_position: str = ""
    departments: list[int] = field(default_factory=list)
    kind: str = "employee"  # employee, extranet, bot, connector
    email: str = ""
    color: str = "#df532d"
    admin: bool = False
    active: bool = True
    crm: bool = True  # may read CRM items
    crm_change: bool = True  # may change those as well
    history: str = "self"  # whose chats the role lets them look through: one of HISTORY
    join: bool = True  # may join dialogs of the open line
    app_access: bool = True  # the administrator has opened the app to them
    absent: str | None = None

    @property
    def full_name(self) -> str:
        return f"{self.name} {self.last_name}".strip()

    @property
    def bot(self) -> bool:
        return self.kind == "bot"

    @property
    def connector(self) -> bool:
        return self.kind == "connector"

    @property
    def extranet(self) -> bool:
        # The customer of an open line counts as an extranet user as well.
        return self.kind in {"extranet", "connector"}

    @property
    def employee(self) -> bool:
        return self.kind == "employee"


@dataclass
class Department:
    """A department; `head` is nobody's id when it is 0."""

    id: int
    name: str
    parent: int = 0
    head: int = 0


class SessionStatus(IntEnum):
    """The states of an open-line dialogue that the rules tell apart."""

    NEW = 0
    ANSWER = 10
    OPERATOR = 40
    WAIT_CLIENT = 50
    CLOSE = 60


@dataclass
class Session:
    """One dialogue with a customer."""

    id: int
    status: int
    operator_id: int
    created: int
    connector_active: bool = True

    @property
    def closed(self) -> bool:
        return self.status >= SessionStatus.CLOSE

    @property
    def takes_people(self) -> bool:
        """Members may be changed: answered, and not waiting for the client or closed."""
        answered = SessionStatus.ANSWER <= self.status < SessionStatus.WAIT_CLIENT
        return answered and self.connector_active


@dataclass
class Message:
    """One message; `to_customer` is what decides whether the customer has got it."""

    id: int
    chat_id: int
    author_id: int
    text: str
    at: float
    system: bool = False
    hidden: bool = False  # from the customer, by its author
    to_customer: bool = False
    keyboard: list[dict[str, object]] | None = None
    keyboard_bot: int = 0
    attach: object = None
    forward: dict[str, object] | None = None  # where it was said at first


CRM_TYPES = ("LEAD", "COMPANY", "CONTACT", "DEAL")


@dataclass
class Chat:
    """A chat of any kind; the entity strings of a LINES chat are worked out from its facts."""

    id: int
    kind: str  # lines, chat, crm, sonetGroup, private
    name: str
    owner: int
    members: list[int]
    created: float
    entity_type: str = ""
    entity_id: str = ""
    bindings: dict[str, int] = field(default_factory=dict)
    data_2: str | None = None  # said instead of the bindings, by a fault
    data_3: str = ""
    recent: set[int] = field(default_factory=set)  # who has it in their list without being in it
    session: Session | None = None
    line_id: int = 0
    activity_at: float = 0.0
    messages: list[Message] = field(default_factory=list)

    @property
    def message_type(self) -> str:
        return {"lines": "L", "private": "P"}.get(self.kind, "C")

    @property
    def silent(self) -> bool:
        return self.data_3 == "Y"

    def dialog_id(self, seen_by: int) -> str:
        """`chat<id>`, or the other person's id when the talk is private."""
        if self.kind != "private":
            return f"chat{self.id}"
        return str(next((user for user in self.members if user != seen_by), seen_by))

    def say_bindings(self, text: str | None) -> None:
        """Let `entity_data_2` read like that; pairs that can be read do bind the chat."""
        self.data_2 = text
        parts = (text or "").split("|")
        if len(parts) >= 2 and len(parts) % 2 == 0 and all(p.isdecimal() for p in parts[1::2]):
            pairs = zip(parts[::2], parts[1::2], strict=True)
            self.bindings = {kind: int(item) for kind, item in pairs}

    @property
    def main_item(self) -> tuple[str, int] | None:
        """The CRM item that counts first among those the chat is bound to."""
        for kind in ("DEAL", "LEAD", "CONTACT", "COMPANY"):
            if item := self.bindings.get(kind):
                return kind, item
        return None

    @property
    def entity_data_1(self) -> str:
        if self.session is None:
            return ""
        main, item = self.main_item or ("NONE", 0)
        number = 0 if self.session.closed else self.session.id
        bound = "Y" if item else "N"
        return f"{bound}|{main}|{item}|N|N|{number}|{self.session.created}|0|0|0"

    @property
    def entity_data_2(self) -> str:
        if self.data_2 is not None:
            return self.data_2
        if self.session is None:
            return ""
        return "|".join(f"{kind}|{self.bindings.get(kind, 0)}" for kind in CRM_TYPES)


@dataclass
class Bot:
    """A registered bot; its user has the same id."""

    id: int
    client_id: str  # of the app it belongs to
    code: str
    type: str
    event_mode: str
    webhook_url: str
    hidden: bool = False
    reactions: bool = True
    supports_lines: bool = False
    background_id: str | None = None
    queue: list[dict[str, object]] = field(default_factory=list)  # fetch mode
    last_event: int = 0
    counted: dict[str, int] = field(default_factory=dict)


@dataclass
class Command:
    """A registered slash command; `name` is without the slash."""

    id: int
    bot_id: int
    name: str
    common: bool = False
    hidden: bool = False
    extranet_support: bool = False
    title: dict[str, str] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)


@dataclass
class CrmItem:
    """A lead, deal, contact or company."""

    kind: str  # one of CRM_TYPES
    id: int
    title: str
    assigned_by: int
    contact_id: int = 0
    company_id: int = 0
    observers: list[int] = field(default_factory=list)
    stage: str = "NEW"
    imol: str = ""  # "imol|" and the entity id of the chat, in the item's messenger field


@dataclass
class Group:
    """A workgroup; roles A owner, E moderator, K member; `initiate` is who may invite."""

    id: int
    name: str
    roles: dict[int, str]
    invited: set[int] = field(default_factory=set)
    initiate: str = "K"
    visible: bool = True

    @property
    def owner(self) -> int:
        return next(user for user, role in self.roles.items() if role == "A")


@dataclass
class Line:
    """An open line: its name and the queue of its operators."""

    id: int
    name: str
    queue: list[int]
    active: bool = True
    modified_by: int = 1  # who was the last to change its settings
