"""The journal: who asked what, for whom, where, and what came of it."""

import asyncio
import csv
import io
import logging
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Any, get_args

from aiohttp import web

from bot.acting.history import PAGE, Deed, Filter, History, Result
from bot.bitrix24.numerals import read_number
from bot.errors import StoreUnavailable
from bot.inbox.escalations import KEPT, How
from bot.installing.overview import Overview
from bot.portals.colleagues import Colleagues
from bot.portals.visitors import Visitor
from bot.web.frame import Form
from bot.web.pages import Pages

log = logging.getLogger(__name__)

# What makes a spreadsheet take a cell for a formula; the wide ones count in some languages.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")

MOST_LETTERS = 100

# Seconds within which somebody who downloads takes the next piece: their connection is one of
# those that all portals share.
PATIENCE = 30.0

# Before and after them nothing is in a journal; not every database and system reckons further.
_FIRST, _LAST = date(2000, 1, 1), date(2200, 1, 1)

_FIELDS = ("requester", "command", "result", "since", "until")


@dataclass(eq=False, slots=True)
class JournalPage:
    """Shows the journal of the visitor's portal, and no other.

    ``commands`` are those that change something: no others are in it.
    """

    _history: History
    _overview: Overview
    _colleagues: Colleagues
    _pages: Pages
    _commands: Sequence[str]

    async def show(self, visitor: Visitor, posted: Form) -> dict[str, Any]:
        """Give a page of entries, the newest first. Raises as ``download`` does."""
        before = read_number(posted.get("before"))
        which = await self._filter(visitor, posted)
        member_id = visitor.portal.member_id
        entries = await self._history.page(member_id, which, before, PAGE + 1) if which else []
        people = {number for one in entries for number in (one.requester_id, one.person_id)}
        names = await self._colleagues.names(visitor.portal, visitor.user_id, people - {0})
        return {
            "view": "journal",
            "nobody": which is None,
            "entries": entries[:PAGE],
            "names": names,
            "next": entries[PAGE - 1].id if len(entries) > PAGE else None,
            "is_first": before is None,
            "escalated": await self._overview.escalated(member_id, time.time() - KEPT),
            "ends": get_args(How),
            "asked": {field: str(posted.get(field, "")) for field in _FIELDS},
            "commands": self._commands,
            "results": get_args(Result),
        }

    async def download(
        self, request: web.Request, visitor: Visitor, posted: Form
    ) -> web.StreamResponse:
        """Send the journal as a table that spreadsheets read.

        Raises ``Bitrix24Error`` and ``StoreUnavailable`` where it cannot be begun.
        """
        headers = {
            "Content-Type": "text/csv; charset=utf-8",
            "Content-Disposition": 'attachment; filename="switchboard.csv"',
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        }
        response = web.StreamResponse(headers=headers)
        lines = self._lines(visitor, posted)
        # Where there is no first row, its reason is told on a page.
        beginning = [await anext(lines), await anext(lines, "")]
        await response.prepare(request)
        try:
            await _write(response, "".join(beginning))
            async for line in lines:
                await _write(response, line)
            await response.write_eof()
        except (StoreUnavailable, ConnectionError, TimeoutError) as error:
            # A part must not pass for the whole.
            log.warning("a journal is not sent to its end: %s", error)
            if request.transport:
                request.transport.abort()
        return response

    async def _lines(self, visitor: Visitor, posted: Form) -> AsyncIterator[str]:
        words = await self._pages.words(visitor.language)
        separator, (moment, *columns) = words.csv_separator, words.csv
        yield "\ufeff" + _line([f"{moment} ({visitor.time_zone})", *columns], separator)
        if which := await self._filter(visitor, posted):
            async for entry in self._history.all(visitor.portal.member_id, which):
                yield _line(_cells(entry, visitor.time_zone), separator)

    async def _filter(self, visitor: Visitor, posted: Form) -> Filter | None:
        """Read the filter; ``None`` where the person named is nobody of the portal."""
        named = str(posted.get("requester", "")).strip()[:MOST_LETTERS]
        people = await self._people(visitor, named)
        if named and not people:
            return None
        zone = visitor.time_zone
        return Filter(
            requesters=people,
            command=str(posted.get("command", ""))[:64],
            result=str(posted.get("result", "")),
            since=_midnight(posted.get("since"), zone),
            until=_midnight(posted.get("until"), zone, later=1),
        )

    async def _people(self, visitor: Visitor, named: str) -> tuple[int, ...]:
        """Give whom a number or a name means: everybody of that name, dismissed ones as well.

        Raises ``Bitrix24Error`` where the portal does not say.
        """
        if not named:
            return ()
        if number := read_number(named):
            return (number,)
        found = await self._colleagues.find(visitor.portal, visitor.user_id, named)
        return tuple(one.person.id for one in found)


async def _write(response: web.StreamResponse, text: str) -> None:
    async with asyncio.timeout(PATIENCE):
        await response.write(text.encode())


def _cells(entry: Deed, zone: tzinfo) -> list[str]:
    item = entry.item
    return [
        # Spreadsheets of every language take this for a moment.
        f"{datetime.fromtimestamp(entry.at, zone):%Y-%m-%d %H:%M:%S}",
        str(entry.requester_id),
        f"/{entry.command}",
        str(entry.person_id or ""),
        entry.chat,
        f"{item.type} {item.id}" if item else "",
        entry.method,
        entry.result,
        entry.code or "",
    ]


def _line(cells: Sequence[str], separator: str) -> str:
    written = io.StringIO()
    csv.writer(written, delimiter=separator).writerow(
        ["'" + one if one.startswith(_FORMULA) else one for one in cells]
    )
    return written.getvalue()


def _midnight(told: Any, zone: tzinfo, later: int = 0) -> float | None:
    """Give when a day begins, or one so many days later; ``None`` where it is no day.

    A day before or after all that a journal can hold is the first or the last of these.
    """
    try:
        day = date.fromisoformat(str(told)) + timedelta(days=later)
    except (ValueError, OverflowError):
        return None
    day = min(max(day, _FIRST), _LAST)
    return datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()
