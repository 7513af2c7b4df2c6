"""Secrets at rest."""

import hashlib
import hmac
from collections.abc import Sequence

from cryptography.fernet import Fernet, MultiFernet
from pydantic import SecretStr


class Cipher:
    """Encrypts with the first key, decrypts with any of them."""

    def __init__(self, keys: Sequence[SecretStr]) -> None:
        raw = [key.get_secret_value() for key in keys]
        self._fernet = MultiFernet([Fernet(key) for key in raw])

    def encrypt(self, secret: SecretStr) -> bytes:
        """Encrypt one secret."""
        return self._fernet.encrypt(secret.get_secret_value().encode())

    def decrypt(self, stored: bytes) -> SecretStr:
        """Decrypt one secret. Raises ``cryptography.fernet.InvalidToken``."""
        return SecretStr(self._fernet.decrypt(stored).decode())


def fingerprint(secret: SecretStr) -> str:
    """Make a value to look a secret up by: 64 hexadecimal digits that do not lead back to it."""
    return hashlib.sha256(secret.get_secret_value().encode()).hexdigest()


def same_secret(left: SecretStr, right: SecretStr) -> bool:
    """Compare in a time that tells nothing of where the two differ."""
    return hmac.compare_digest(left.get_secret_value().encode(), right.get_secret_value().encode())
