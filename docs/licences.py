"""Writes docs/licences.md: what the bot runs with, and under which licences, from the lock file."""

import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "licences.md"
HEAD = """\
# Licences

What is installed with the bot (`uv sync --no-default-groups`), as `uv.lock` has it and as the
packages themselves name their licences. Written by `python docs/licences.py`.

| Package | Version | Licence |
|---|---|---|
"""

Package = dict[str, Any]


def runtime() -> dict[str, str]:
    """Give the version of every package that the bot may run with, on any platform."""
    packages: dict[str, list[Package]] = {}
    for package in tomllib.loads((ROOT / "uv.lock").read_text())["package"]:
        packages.setdefault(package["name"], []).append(package)
    found: dict[str, str] = {}
    seen: set[tuple[str, tuple[str, ...]]] = set()
    waiting = list(_needed(packages["switchboard"][0], ()))
    while waiting:
        name, extras = waiting.pop()
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        for package in packages[name]:
            found[name] = package["version"]
            waiting += _needed(package, extras)
    return dict(sorted(found.items()))


def _needed(package: Package, extras: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    wanted = list(package.get("dependencies", []))
    for extra in extras:
        wanted += package.get("optional-dependencies", {}).get(extra, [])
    for one in wanted:
        yield one["name"], tuple(one.get("extra", ()))


def licence(name: str) -> str:
    """Give what an installed package says. Raises ``PackageNotFoundError``."""
    told = metadata.metadata(name)
    classifiers = [
        line.rpartition(" :: ")[2]
        for line in told.get_all("Classifier", [])
        if line.startswith("License :: ")
    ]
    line = (told.get("License") or "").strip()
    is_short = 0 < len(line) <= 40 and "\n" not in line
    words = line if is_short and len(classifiers) <= 1 else " or ".join(classifiers)
    return told.get("License-Expression") or words


def page() -> str:
    """Write the page."""
    rows = [f"| {name} | {version} | {licence(name)} |\n" for name, version in runtime().items()]
    return HEAD + "".join(rows)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
