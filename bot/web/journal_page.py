"""The journal: who asked what, for whom, where, and what came of it."""

import csv
import io
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date, datetime, timedelta, tzinfo
from typing import Any, get_args

from aiohttp import web

from bot.colleagues import Colleagues
from bot.store.audit import PAGE, Audit, Entry, Result, Wanted
from bot.visitors import Visitor
from bot.web.pages import Pages

Form = Mapping[str, Any]

# What makes a spreadsheet take a cell for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

_FIELDS = ("requester", "command", "result", "since", "until")


class JournalPage:
    """Shows the journal of the visitor's portal, and no other."""

    def __init__(
        self, audit: Audit, colleagues: Colleagues, pages: Pages, commands: Sequence[str]
    ) -> None:
        self._audit = audit
        self._colleagues = colleagues
        self._pages = pages
        self._commands = commands

    async def show(self, visitor: Visitor, posted: Form) -> dict[str, Any]:
        """Give a page of entries, the newest first."""
        before = _number(posted.get("before"))
        wanted = _wanted(posted, visitor)
        entries = await self._audit.page(visitor.portal.member_id, wanted, before, PAGE + 1)
        people = {number for one in entries for number in (one.requester_id, one.person_id)}
        names = await self._colleagues.names(visitor.portal, visitor.user_id, people - {0})
        return {
            "view": "journal",
            "entries": entries[:PAGE],
            "names": names,
            "next": entries[PAGE - 1].id if len(entries) > PAGE else None,
            "is_first": before is None,
            "asked": {field: str(posted.get(field, "")) for field in _FIELDS},
            "commands": self._commands,
            "results": get_args(Result),
        }

    async def download(
        self, request: web.Request, visitor: Visitor, posted: Form
    ) -> web.StreamResponse:
        """Send the journal as a table that spreadsheets read."""
        headers = {
            "Content-Type": "text/csv; charset=utf-8",
            "Content-Disposition": 'attachment; filename="switchboard.csv"',
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        }
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        words = await self._pages.words(visitor.language)
        await response.write(("\ufeff" + _line(words.csv)).encode())
        async for line in self._lines(visitor, posted):
            await response.write(line.encode())
        await response.write_eof()
        return response

    async def _lines(self, visitor: Visitor, posted: Form) -> AsyncIterator[str]:
        wanted = _wanted(posted, visitor)
        async for entry in self._audit.all(visitor.portal.member_id, wanted):
            yield _line(_cells(entry, visitor.time_zone))


def _cells(entry: Entry, zone: tzinfo) -> list[str]:
    return [
        datetime.fromtimestamp(entry.at, zone).isoformat(timespec="seconds"),
        str(entry.requester_id),
        f"/{entry.command}",
        str(entry.person_id or ""),
        entry.chat,
        f"{entry.item_type} {entry.item_id}".strip(),
        entry.method,
        entry.result,
        entry.code,
    ]


def _line(cells: Sequence[str]) -> str:
    written = io.StringIO()
    csv.writer(written).writerow(["'" + one if one.startswith(_FORMULA) else one for one in cells])
    return written.getvalue()


def _wanted(posted: Form, visitor: Visitor) -> Wanted:
    zone = visitor.time_zone
    until = _day(posted.get("until"))
    return Wanted(
        requester_id=_number(posted.get("requester")),
        command=str(posted.get("command", ""))[:64],
        result=str(posted.get("result", "")),
        since=_midnight(_day(posted.get("since")), zone),
        until=_midnight(until + timedelta(days=1) if until else None, zone),
    )


def _number(value: Any) -> int | None:
    digits = value.strip() if isinstance(value, str) else ""
    return int(digits) if digits.isdecimal() and len(digits) < 19 else None


def _day(value: Any) -> date | None:
    try:
        day = date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return day if day and 2000 <= day.year < 2200 else None


def _midnight(day: date | None, zone: tzinfo) -> float | None:
    return datetime(day.year, day.month, day.day, tzinfo=zone).timestamp() if day else None
