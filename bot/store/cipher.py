"""Secrets at rest, and sealed notes that travel through a browser.

A secret at rest is bound to its place: AES-GCM takes the name of the place as associated data, so
that what is copied to another place in the database cannot be read there.
"""

import base64
import hashlib
import hmac
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import SecretStr


class Unreadable(Exception):
    """No key fits, or the text was tampered with, or its time is over."""


# What a bound secret begins with; one of the first version, which was bound to nothing, begins
# with "gAAAA".
_BOUND = b"\x02"
_NONCE = 12


class Cipher:
    """Encrypts with the first key, decrypts with any of them."""

    def __init__(self, keys: Sequence[SecretStr]) -> None:
        self._fernet = MultiFernet([_fernet(key) for key in keys])
        self._bound = [_aes(key) for key in keys]
        # Names the first key; what is long and random cannot be found from its hash.
        self.mark = fingerprint(keys[0])[:16]

    def encrypt(self, secret: SecretStr, place: str) -> bytes:
        """Encrypt one secret so that it can be read at this place alone."""
        nonce = os.urandom(_NONCE)
        text = secret.get_secret_value().encode()
        return _BOUND + nonce + self._bound[0].encrypt(nonce, text, place.encode())

    def decrypt(self, stored: bytes, place: str) -> SecretStr:
        """Decrypt one secret, which may be one of the first version. Raises ``Unreadable``."""
        if not is_bound(stored):
            return self.decrypt_unbound(stored)
        nonce, text = bytes(stored[1 : 1 + _NONCE]), bytes(stored[1 + _NONCE :])
        for key in self._bound:
            try:
                return SecretStr(key.decrypt(nonce, text, place.encode()).decode())
            except InvalidTag:
                continue
        raise Unreadable

    def encrypt_unbound(self, secret: SecretStr) -> bytes:
        """Encrypt what may be read at any place."""
        return self._fernet.encrypt(secret.get_secret_value().encode())

    def decrypt_unbound(self, stored: bytes) -> SecretStr:
        """Decrypt what is bound to no place. Raises ``Unreadable``."""
        try:
            return SecretStr(self._fernet.decrypt(bytes(stored)).decode())
        except InvalidToken:
            raise Unreadable from None

    def seal(self, purpose: str, note: Mapping[str, Any]) -> str:
        """Write a note that nobody else can read or make; it is good for one purpose."""
        return self._fernet.encrypt(json.dumps({**note, "for": purpose}).encode()).decode()

    def unseal(self, purpose: str, text: str, seconds: int) -> dict[str, Any]:
        """Read a note that is at most so old. Raises ``Unreadable``."""
        try:
            note: dict[str, Any] = json.loads(self._fernet.decrypt(text.encode(), ttl=seconds))
        except (InvalidToken, UnicodeError):
            raise Unreadable from None
        if note.pop("for", None) != purpose:
            raise Unreadable
        return note


def is_bound(stored: bytes) -> bool:
    """Say whether a stored secret is bound to its place."""
    return bytes(stored[:1]) == _BOUND


def _aes(key: SecretStr) -> AESGCM:
    return AESGCM(_derived(key, b"switchboard bound secrets"))


def _fernet(key: SecretStr) -> Fernet:
    """Take a Fernet key as it is; any other secret becomes one, always the same.

    The generators of hosting platforms make no Fernet keys.
    """
    secret = key.get_secret_value()
    try:
        return Fernet(secret)
    except ValueError:
        return Fernet(base64.urlsafe_b64encode(_derived(key, b"switchboard ENCRYPTION_KEYS")))


def _derived(key: SecretStr, purpose: bytes) -> bytes:
    derivation = HKDF(SHA256(), length=32, salt=None, info=purpose)
    return derivation.derive(key.get_secret_value().encode())


def fingerprint(secret: SecretStr) -> str:
    """Make a value to look a secret up by: 64 hexadecimal digits that do not lead back to it."""
    return hashlib.sha256(secret.get_secret_value().encode()).hexdigest()


def same_secret(left: SecretStr, right: SecretStr) -> bool:
    """Compare in a time that tells nothing of where the two differ."""
    return hmac.compare_digest(*(_bytes_of(one) for one in (left, right)))


def _bytes_of(secret: SecretStr) -> bytes:
    # A header may hold bytes that are no text: they come as halves of surrogate pairs.
    return secret.get_secret_value().encode(errors="surrogatepass")
