"""Bodies as they come in from others: so many bytes, so many values, never packed."""

import json
import re
from collections.abc import AsyncIterable, Mapping
from typing import Any

from pydantic import TypeAdapter

from bot.bitrix24.shares import Shares

# Bodies up to this size are always taken.
SMALL = 64 * 1024

# Values that one answer may hold. In memory they are a hundred times as large as some are written.
MOST_VALUES = 200_000

# Nobody is asked to pack an answer: a few bytes might be gigabytes when they are unpacked.
UNPACKED = {"Accept-Encoding": "identity"}

# No database takes these, and PHP's own forms cannot hold halves of surrogate pairs.
NUL, REPLACEMENT = "\0", "\N{REPLACEMENT CHARACTER}"
_SURROGATE = re.compile("[\ud800-\udfff]")
_JSON = TypeAdapter(Any)


def is_packed(headers: Mapping[str, str]) -> bool:
    """Say whether an answer is packed, though nobody has asked for that."""
    return headers.get("Content-Encoding", "identity").strip().lower() != "identity"


class TooLarge(Exception):
    """A body is longer than it may be."""


class NoRoom(Exception):
    """Too much is arriving, from this sender or from all."""


class Arriving:
    """What is arriving at the moment: counted as it comes, and never more than ``whole`` bytes.

    Small bodies are not counted.
    """

    def __init__(self, whole: int) -> None:
        self._shares = Shares(whole)

    async def read(self, pieces: AsyncIterable[bytes], sender: str, most: int) -> bytes:
        """Read a body of at most so many bytes. Raises ``TooLarge``, ``NoRoom``."""
        body, held = bytearray(), 0
        try:
            async for piece in pieces:
                body += piece
                if len(body) > most:
                    raise TooLarge
                more = max(0, len(body) - SMALL) - held
                if more and not self._shares.take(sender, more):
                    raise NoRoom
                held += more
                # It may be large, and the next one may be long in coming.
                del piece
            return bytes(body)
        finally:
            if held:
                self._shares.give_back(sender, held)
            # Frames may stay with an exception for long, and would hold what has arrived.
            body.clear()


async def read_small(pieces: AsyncIterable[bytes]) -> bytes:
    """Read a small body. Raises ``TooLarge``."""
    return await Arriving(0).read(pieces, "", SMALL)


def parsed(body: bytes) -> Any:
    """Read JSON. Raises ``ValueError``, ``RecursionError``."""
    if sum(map(body.count, (b",", b"[", b"{"))) > MOST_VALUES:
        raise ValueError(f"JSON of more than {MOST_VALUES} values")
    try:
        value = _JSON.validate_json(body)
    except ValueError:
        # Half a surrogate pair in somebody's name, or no JSON at all.
        return storable(json.loads(body))
    return storable(value) if b"\\u0000" in body else value


def storable(node: Any) -> Any:
    """Replace what no database takes: NUL, and halves of surrogate pairs."""
    match node:
        case str():
            return _SURROGATE.sub(REPLACEMENT, node).replace(NUL, REPLACEMENT)
        case dict():
            return {storable(key): storable(one) for key, one in node.items()}
        case list():
            return [storable(one) for one in node]
    return node
