"""What the doctor finds, as lines for a terminal."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from bot.bitrix24.oauth import origin
from bot.installing.doctor import Check
from bot.logs import in_one_line
from bot.portals.portals import Portal

_MARKS = {True: "ok", False: "!!", None: "??"}


class Report:
    """Words the checks of a deployment and of its portals."""

    def __init__(self, words: Any) -> None:
        self._words = words

    def deployment(self, checks: Sequence[Check]) -> str:
        """Say how the deployment itself does."""
        return "\n".join(line for check in checks for line in self._check(check))

    def portal(self, portal: Portal, checks: Sequence[Check]) -> str:
        """Say how the bot does at one portal."""
        title = f"\nPortal {portal.member_id} at {origin(portal.client_endpoint)}"
        return f"{title}\n{self.deployment(checks)}"

    def _check(self, check: Check) -> list[str]:
        found = [in_one_line(check.value)] if check.value else []
        if check.at:
            found.append(datetime.fromtimestamp(check.at, UTC).isoformat(timespec="seconds"))
        words = ": ".join([self._words.checks[check.name], *found])
        lines = [f"  {_MARKS[check.ok]}  {words}"]
        return lines + ([f"      {self._words.remedies[check.remedy]}"] if check.remedy else [])
