"""The timeline of a CRM item. Methods: crm.timeline.comment.add, crm.timeline.comment.list."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from bot.acting.journal import Step
from bot.acting.requester import Requester
from bot.bitrix24.calls import Call
from bot.bitrix24.dialogs import of_item
from bot.bitrix24.entities import CrmItem
from bot.bitrix24.numerals import read_number
from bot.bitrix24.rows import moment, rows, text

COMMENT = "crm.timeline.comment.add"

# Steps are counted within a command; this one comes with whatever else the command changes.
TRAIL = 3000

# The portal's clock may be so many seconds behind.
BEHIND = 600.0

LONGEST_COMMENT = 10_000


class Timeline:
    """The timelines of items, as the requester may see and change them."""

    def __init__(self, requester: Requester) -> None:
        self._requester = requester

    async def comment(self, item: CrmItem, words: str, since: float) -> None:
        """Leave a comment in an item's timeline, in the requester's name; once a command.

        The portal knows no second time by itself: where a process has died over it, the comments
        are looked through for one with these words that is not older than ``since``.
        Raises as ``Requester.change_one``.
        """
        fields = {"ENTITY_TYPE": item.type, "ENTITY_ID": item.id, "COMMENT": words}
        # The journal outlives what is in the comment: names, and what somebody wrote.
        step = Step(TRAIL, COMMENT, of_item(item), 0, sent={"fields": fields})
        look = {
            "filter": {"ENTITY_TYPE": item.type, "ENTITY_ID": item.id},
            "select": ["ID", "CREATED", "AUTHOR_ID", "COMMENT"],
            "order": {"ID": "DESC"},
        }
        is_there = partial(_is_there, author=self._requester.person.id, since=since - BEHIND)
        await self._requester.change_one(step, Call("crm.timeline.comment.list", look), is_there)


def _is_there(found: Any, step: Step, *, author: int, since: float) -> bool | None:
    """Say whether a comment is among those of an item; ``None`` where they are not told."""
    if not isinstance(found, list | Mapping):
        return None
    words = _letters((step.sent or {})["fields"]["COMMENT"])
    return any(
        read_number(one.get("AUTHOR_ID")) == author
        and _letters(text(one.get("COMMENT"), LONGEST_COMMENT)) == words
        and (moment(one.get("CREATED")) or since) >= since
        for one in rows(found)
    )


def _letters(words: str) -> str:
    """Give what a portal keeps of a text, however it stores signs that nobody sees."""
    return "".join(filter(str.isalnum, words))
