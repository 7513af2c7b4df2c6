"""What acts as a user of a portal."""

import json
from dataclasses import dataclass

from pydantic import SecretStr


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What acts as a user: an access token, and, where there is one, what renews it."""

    access: SecretStr
    refresh: SecretStr | None


def written(pair: TokenPair) -> SecretStr:
    """Write a pair as one secret."""
    refresh = pair.refresh.get_secret_value() if pair.refresh else None
    return SecretStr(json.dumps([pair.access.get_secret_value(), refresh]))


def read(secret: SecretStr) -> TokenPair:
    """Read a pair back from one secret."""
    access, refresh = json.loads(secret.get_secret_value())
    return TokenPair(SecretStr(access), SecretStr(refresh) if refresh else None)
