"""Packages of JavaScript for the tests, as npm installs them."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import NoReturn

import pytest


def from_npm(package: str, folder: Path) -> Path:
    """Install a package into an empty folder; without it a test is skipped, in CI it fails."""
    if not shutil.which("node") or not shutil.which("npm"):
        _missing("node and npm are needed")
    (folder / "package.json").write_text('{"private": true}')
    installed = subprocess.run(
        ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error",
         package],
        cwd=folder, capture_output=True, text=True, timeout=180,
    )  # fmt: skip
    if installed.returncode:
        _missing(f"npm could not install {package}: {installed.stderr[-500:]}")
    return folder


def _missing(what: str) -> NoReturn:
    """Without it nothing is proven: a reason to skip at a desk, to fail where all is checked."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)
