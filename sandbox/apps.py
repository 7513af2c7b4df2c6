"""An app as the portal knows it."""

from collections import deque
from dataclasses import dataclass, field

from sandbox.tokens import Tokens


@dataclass
class App:
    """The app as its card in the portal describes it, and what it has bound."""

    client_id: str
    client_secret: str
    application_token: str
    scopes: list[str]
    tokens: Tokens
    install_url: str = ""
    app_url: str = ""
    redirect_url: str = ""
    adding: bool = False  # its install page is open, or was: tokens are good already
    installed: bool = False  # events reach it, everybody may open its page
    version: int = 1
    handlers: list[tuple[str, str]] = field(default_factory=list)  # event, URL
    placements: list[dict[str, str]] = field(default_factory=list)
    installing: deque[str] = field(default_factory=lambda: deque(maxlen=100))  # frames by APP_SID

    @property
    def present(self) -> bool:
        """Whether the portal knows the app, finished with its installation or not."""
        return self.adding or self.installed
