"""The tokens that come with an event: written as one secret, bound to the event, and read again."""

import json
import logging

from pydantic import SecretStr

from bot.bitrix24 import token_pair
from bot.bitrix24.events import CommandEvent
from bot.bitrix24.token_pair import TokenPair
from bot.inbox.accepted import NOTHING, Brought
from bot.store.cipher import Cipher, Unreadable, is_bound

log = logging.getLogger(__name__)


def written(brought: Brought) -> SecretStr | None:
    """Write what an event has brought as one secret; ``None`` where that is nothing."""
    if brought == NOTHING:
        return None
    pairs = [
        token_pair.written(one).get_secret_value() if one else None
        for one in (brought.own, brought.bot)
    ]
    return SecretStr(json.dumps([*pairs, brought.is_named]))


def opened(cipher: Cipher, event: CommandEvent, sealed: bytes | None) -> Brought:
    """Read what is kept of an event's tokens; nothing where no key can."""
    if sealed is None:
        return NOTHING
    try:
        if not is_bound(sealed):
            # The version before had kept it elsewhere: an access token alone.
            return Brought(own=TokenPair(cipher.decrypt_unbound(sealed), None))
        return _read(cipher.decrypt(sealed, place_of(event)))
    except Unreadable:
        log.error("an event's tokens cannot be read with the keys there are")
        return NOTHING


def place_of(event: CommandEvent) -> str:
    """Name the place that an event's tokens are bound to."""
    return f"event/{event.member_id}/{event.identity}"


def _read(secret: SecretStr) -> Brought:
    own, bot, is_named = json.loads(secret.get_secret_value())
    pairs = [token_pair.read(SecretStr(one)) if one else None for one in (own, bot)]
    return Brought(own=pairs[0], is_named=is_named, bot=pairs[1])
