"""Authorization codes and token pairs: issued, used once, rotated, expired."""

import secrets
from dataclasses import dataclass

from sandbox.clock import Clock

ACCESS_LIFETIME = 3600
REFRESH_LIFETIME = 180 * 24 * 3600
CODE_LIFETIME = 30

# Every event issues a pair; the oldest go, so that a long run does not eat the memory.
_MOST_KEPT = 200_000


@dataclass
class Token:
    """An access token of an app with the refresh token that came with it.

    `kind` is how it came into the world: "app" by the installation, "bot" as `data.bot.auth`,
    "user" by an event, the app's page or the code flow. A refreshed pair keeps its kind.
    """

    access: str
    refresh: str
    client_id: str
    user_id: int
    kind: str
    expires_at: float
    refresh_expires_at: float
    disowned: str | None = None  # the code with which the portal says that it does not know it


class Tokens:
    """All pairs of one of a portal's apps."""

    def __init__(self, clock: Clock, client_id: str) -> None:
        self._clock = clock
        self._client_id = client_id
        self._by_access: dict[str, Token] = {}
        self._by_refresh: dict[str, Token] = {}
        self._codes: dict[str, tuple[int, float]] = {}

    def issue(self, user_id: int, kind: str) -> Token:
        return self.take(self.forge(user_id, kind))

    def take(self, token: Token) -> Token:
        """Let a pair be one that has been issued."""
        self._by_access[token.access] = token
        self._by_refresh[token.refresh] = token
        self._forget_oldest()
        return token

    def forge(self, user_id: int, kind: str) -> Token:
        """A pair that looks like any other, and that nobody has issued."""
        now = self._clock.now()
        return Token(
            access=secrets.token_hex(24),
            refresh=secrets.token_hex(24),
            client_id=self._client_id,
            user_id=user_id,
            kind=kind,
            expires_at=now + ACCESS_LIFETIME,
            refresh_expires_at=now + REFRESH_LIFETIME,
        )

    def find(self, access: str) -> Token | None:
        """The token, expired or not; None when nobody has issued it."""
        return self._by_access.get(access)

    def rotate(self, refresh: str) -> Token | None:
        """A new pair for a refresh token, which is dead from now on."""
        old = self._by_refresh.pop(refresh, None)
        if old is None or old.refresh_expires_at <= self._clock.now():
            return None
        return self.issue(old.user_id, old.kind)

    def issue_code(self, user_id: int) -> str:
        code = secrets.token_hex(16)
        self._codes[code] = (user_id, self._clock.now() + CODE_LIFETIME)
        return code

    def redeem(self, code: str) -> Token | None:
        """The pair for an authorization code, once and within its 30 seconds."""
        user_id, until = self._codes.pop(code, (0, 0.0))
        if until <= self._clock.now():
            return None
        return self.issue(user_id, "user")

    def expire(self, user_id: int | None) -> None:
        """Let the access tokens issued so far end now; refresh tokens stay good."""
        for token in self._of(user_id):
            token.expires_at = self._clock.now()

    def disown(self, user_id: int | None, code: str) -> None:
        """Let the portal not know the access tokens issued so far; refresh tokens stay good."""
        for token in self._of(user_id):
            token.disowned = code

    def revoke(self, user_id: int | None) -> None:
        """Let access and refresh tokens issued so far be good for nothing."""
        for token in self._of(user_id):
            token.expires_at = self._clock.now()
            self._by_refresh.pop(token.refresh, None)

    def clear(self) -> None:
        """The app is gone, and every token and code with it."""
        self._by_access.clear()
        self._by_refresh.clear()
        self._codes.clear()

    def _of(self, user_id: int | None) -> list[Token]:
        every = {id(t): t for t in (*self._by_access.values(), *self._by_refresh.values())}
        return [token for token in every.values() if user_id in {None, token.user_id}]

    def _forget_oldest(self) -> None:
        for kept in (self._by_access, self._by_refresh):
            if len(kept) > _MOST_KEPT:
                key = next(iter(kept))
                token = kept.pop(key)
                # The installation's pair is what an app falls back on.
                if token.kind == "app":
                    kept[key] = token
