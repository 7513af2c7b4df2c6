"""The chaos run in a short form; ``make chaos`` is the long one."""

from pathlib import Path

import chaos
import pytest
from postgres import binaries


@pytest.mark.timeout(180)
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
async def test_whatever_breaks_each_command_is_done_once_and_answered(
    database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if database == "postgresql" and binaries() is None:
        request.getfixturevalue("postgres")

    report = await chaos.play(database, commands=60, seed=20, folder=tmp_path, chains=6)

    assert report.wrong == [], f"{report}\n{(tmp_path / 'log').read_text()[-3000:]}"
    assert report.taken > 10
    assert report.ended["taken"] + report.ended["nobody"] > 0
