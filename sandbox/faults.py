"""What goes wrong next: set by `/sandbox/faults`, asked by the servers."""

from dataclasses import dataclass, field

from sandbox.errors import RestRefused

ERROR = "error"
RESULT = "result"
FAILURE = "failure"
TRANSPORT = ("delay", "html", "drop", "truncate", "redirect", "answer", FAILURE)


# Whose token an event brings at its top. "mislabelled": another's, said to be the actor's own.
TOKENS = ("normal", "none", "foreign", "mislabelled", "forged", "no_user_id", "no_refresh")
# What an event brings as the bot's own token.
BOT_AUTH = ("normal", "none", "foreign", "forged")
# What a press does not say about its chat.
WITHOUT_CHAT = ("dialog_id", "chat")


@dataclass
class MethodFault:
    """A fault of the calls of one method ("*": of all), for some times or for good."""

    method: str
    kind: str
    value: object
    times: int | None = 1
    user_id: int | None = None

    def hits(self, methods: list[str], user_id: int | None) -> bool:
        if self.user_id is not None and self.user_id != user_id:
            return False
        return self.method == "*" or self.method in methods


@dataclass
class EventFaults:
    """How events are disturbed."""

    tokens: str = TOKENS[0]
    bot_auth: str = BOT_AUTH[0]
    foreign_user_id: int = 15
    copies: int = 1
    without: list[str] = field(default_factory=list)
    application_token: str | None = None
    delay: float = 0.0
    late: float = 0.0  # seconds that `ts` lies back: the portal was slow
    reversed: bool = False  # the events of one message, last line first
    without_chat: str | None = None  # of presses: one of WITHOUT_CHAT
    language: str | None = None


class Faults:
    """All faults of one portal."""

    def __init__(self) -> None:
        self._methods: list[MethodFault] = []
        self.events = EventFaults()
        # The portal's clock is ahead of the authorization server's: no token is fresh enough.
        self.always_expired = False
        # Names of fields that older portals do not post to the app's pages.
        self.page_without: list[str] = []
        self.oauth = "open"  # open, closed, slow, bomb, endless, drip
        self.oauth_delay = 5.0
        # The answer to a code says whose the pair is, as the official Python SDK expects it.
        self.code_tells_owner = False
        self.oauth_error: str | None = None
        # What its answers name otherwise: fields by their names, of any shape.
        self.grant: dict[str, object] = {}
        # Older portals answer WRONG_REQUEST when the person is a member already.
        self.older = False

    def add(self, fault: MethodFault) -> None:
        self._methods.append(fault)

    def any_of(self, kind: str) -> bool:
        """Whether a fault of that kind waits for calls."""
        return any(fault.kind == kind for fault in self._methods)

    def take_transport(self, methods: list[str], user_id: int | None) -> MethodFault | None:
        """The fault of the HTTP request that calls these methods."""
        return self._take(methods, user_id, TRANSPORT)

    def take_error(self, method: str, user_id: int | None) -> RestRefused | None:
        """The refusal that this very call is to get."""
        fault = self._take([method], user_id, (ERROR,))
        return fault.value if fault and isinstance(fault.value, RestRefused) else None

    def take_result(self, method: str, user_id: int) -> MethodFault | None:
        """The result that this very call is to get without anything being done."""
        return self._take([method], user_id, (RESULT,))

    def _take(
        self, methods: list[str], user_id: int | None, kinds: tuple[str, ...]
    ) -> MethodFault | None:
        lowered = [method.lower() for method in methods]
        for fault in self._methods:
            if fault.kind in kinds and fault.hits(lowered, user_id):
                self._use(fault)
                return fault
        return None

    def _use(self, fault: MethodFault) -> None:
        if fault.times is None:
            return
        fault.times -= 1
        if fault.times <= 0:
            self._methods.remove(fault)
