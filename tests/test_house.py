"""The house itself: few things in the hall, and every folder has its place among the layers."""

import tomllib

from benchmarks.processes import ROOT

HALL = 12


def test_the_hall_is_not_full_and_every_folder_stands_among_the_layers() -> None:
    hall = {path.stem for path in (ROOT / "bot").glob("*.py")} - {"__init__"}
    folders = {path.parent.name for path in (ROOT / "bot").glob("*/__init__.py")}
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    [contract] = contracts["contracts"]

    assert len(hall) <= HALL
    assert set(contract["layers"]) == {f"bot.{one}" for one in hall | folders} | {"handlers"}
