"""What the doctor finds, as lines for a terminal."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from bot.bitrix24.oauth import origin
from bot.doctor import Check
from bot.logs import in_one_line
from bot.store.portals import Portal

_MARKS = {True: "ok", False: "!!", None: "??"}


class Report:
    """Words the checks of a deployment. ``is_well``: nothing was found wrong so far."""

    def __init__(self, words: Any) -> None:
        self._words = words
        self.is_well = True

    def settings(self, public_url: str, database: str) -> str:
        """Say what the bot would start with: that it came so far says that it would."""
        return "\n".join(
            [
                _line(True, f"Settings: Bitrix24 reaches the bot at {public_url}"),
                _line(True, f"Database: {database}, its schema and its keys are this program's"),
            ]
        )

    def portal(self, portal: Portal, checks: Sequence[Check]) -> str:
        """Say how the bot does at one portal."""
        self.is_well = self.is_well and all(check.ok is not False for check in checks)
        lines = [f"\nPortal {portal.member_id} at {origin(portal.client_endpoint)}"]
        for check in checks:
            lines += self._check(check)
        return "\n".join(lines)

    def _check(self, check: Check) -> list[str]:
        found = [in_one_line(check.value)] if check.value else []
        if check.at:
            found.append(datetime.fromtimestamp(check.at, UTC).isoformat(timespec="seconds"))
        title = self._words.checks[check.name]["title"]
        lines = [_line(check.ok, ": ".join([title, *found]))]
        return lines + ([f"      {self._words.remedies[check.remedy]}"] if check.remedy else [])


def _line(ok: bool | None, words: str) -> str:
    return f"  {_MARKS[ok]}  {words}"
