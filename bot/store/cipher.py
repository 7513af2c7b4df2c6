"""Secrets at rest, and sealed notes that travel through a browser."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import SecretStr


class Unreadable(Exception):
    """No key fits, or the text was tampered with, or its time is over."""


class Cipher:
    """Encrypts with the first key, decrypts with any of them."""

    def __init__(self, keys: Sequence[SecretStr]) -> None:
        self._fernet = MultiFernet([_fernet(key) for key in keys])
        # Names the first key; what is long and random cannot be found from its hash.
        self.mark = fingerprint(keys[0])[:16]

    def encrypt(self, secret: SecretStr) -> bytes:
        """Encrypt one secret."""
        return self._fernet.encrypt(secret.get_secret_value().encode())

    def decrypt(self, stored: bytes) -> SecretStr:
        """Decrypt one secret. Raises ``Unreadable``."""
        try:
            return SecretStr(self._fernet.decrypt(bytes(stored)).decode())
        except InvalidToken:
            raise Unreadable from None

    def renew(self, stored: bytes) -> bytes:
        """Encrypt anew, with the first key. Raises ``Unreadable``."""
        try:
            return self._fernet.rotate(bytes(stored))
        except InvalidToken:
            raise Unreadable from None

    def seal(self, purpose: str, note: Mapping[str, Any]) -> str:
        """Write a note that nobody else can read or make; it is good for one purpose."""
        return self._fernet.encrypt(json.dumps({**note, "for": purpose}).encode()).decode()

    def unseal(self, purpose: str, text: str, seconds: int) -> dict[str, Any]:
        """Read a note that is at most so old. Raises ``Unreadable``."""
        try:
            note: dict[str, Any] = json.loads(
                self._fernet.decrypt(text.encode(errors="replace"), ttl=seconds)
            )
        except InvalidToken:
            raise Unreadable from None
        if note.pop("for", None) != purpose:
            raise Unreadable
        return note


def _fernet(key: SecretStr) -> Fernet:
    """Take a Fernet key as it is; any other secret becomes one, always the same.

    The generators of hosting platforms make no Fernet keys.
    """
    secret = key.get_secret_value()
    try:
        return Fernet(secret)
    except ValueError:
        derivation = HKDF(SHA256(), length=32, salt=None, info=b"switchboard ENCRYPTION_KEYS")
        return Fernet(base64.urlsafe_b64encode(derivation.derive(secret.encode())))


def fingerprint(secret: SecretStr) -> str:
    """Make a value to look a secret up by: 64 hexadecimal digits that do not lead back to it."""
    return hashlib.sha256(secret.get_secret_value().encode()).hexdigest()


def same_secret(left: SecretStr, right: SecretStr) -> bool:
    """Compare in a time that tells nothing of where the two differ."""
    return hmac.compare_digest(left.get_secret_value().encode(), right.get_secret_value().encode())
