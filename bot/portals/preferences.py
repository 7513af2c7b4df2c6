"""The languages that people read, and what they have been told already."""

import time

from cachetools import LRUCache, TTLCache
from sqlalchemy import select

from bot.store.database import Database
from bot.store.tables import marks, preferences

# How long another process may go on with what it knew.
REMEMBER = 10.0


class Preferences:
    """The table of people's languages, remembered for some seconds."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: TTLCache[tuple[str, int], str] = TTLCache(maxsize=8192, ttl=REMEMBER)
        self._marked: LRUCache[str, bool] = LRUCache(maxsize=8192)
        self._upserts = {
            column: database.upsert(preferences, column) for column in ("language", "page_language")
        }
        mark = database.insert(marks).on_conflict_do_nothing()
        self._mark = mark.returning(marks.c.mark, marks.c.made_at)

    async def language(self, member_id: str, user_id: int) -> str:
        """Give the language somebody has chosen, else that of their last page, else nothing."""
        known = self._known.get((member_id, user_id))
        if known is not None:
            return known
        question = select(preferences).where(
            preferences.c.member_id == member_id, preferences.c.user_id == user_id
        )
        row = await self._database.row(question)
        language: str = (row.language or row.page_language) if row else ""
        self._known[member_id, user_id] = language
        return language

    async def choose(self, member_id: str, user_id: int, language: str) -> None:
        """Store the language that somebody asks for."""
        await self._store("language", member_id, user_id, language)

    async def visited(self, member_id: str, user_id: int, language: str) -> None:
        """Store the language of a page that somebody has opened."""
        await self._store("page_language", member_id, user_id, language)

    async def first_today(self, member_id: str, what: str) -> bool:
        """Say whether this has not been asked today, in this process or another."""
        now, mark = time.time(), f"{member_id}/{what}/{time.strftime('%Y-%m-%d')}"
        if mark in self._marked:
            return False
        self._marked[mark] = True
        row = {"mark": mark, "member_id": member_id, "made_at": now}
        made = await self._database.write((self._mark, [row]))
        return bool(made.pop(mark, None) == now)

    async def _store(self, column: str, member_id: str, user_id: int, language: str) -> None:
        row = {"member_id": member_id, "user_id": user_id, "language": "", "page_language": ""}
        await self._database.write((self._upserts[column], [{**row, column: language}]))
        self._known.pop((member_id, user_id), None)
