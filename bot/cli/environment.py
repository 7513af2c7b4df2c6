"""What every command of the program begins with: the settings, how it ends without them, a loop."""

import asyncio
import os
import sys
from collections.abc import Coroutine, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from bot import logs
from bot.settings import Settings, meant

T = TypeVar("T")

ENV_FILE = Path(".env")


def read_settings() -> Settings:
    """Read the settings and begin to log; end the program where one is missing or wrong."""
    if unreadable := _unreadable():
        sys.exit(f"The bot does not start: {unreadable}")
    try:
        settings = Settings()
    except ValidationError as error:
        sys.exit(_explained(error))
    logs.configure(settings.log_level, settings.log_format, settings.secrets)
    return settings


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run this to its end: on uvloop, which is faster, where the platform has it."""
    if find_spec("uvloop") is None:
        return asyncio.run(work)
    import uvloop

    return uvloop.run(work)


def is_shared(settings: Settings) -> bool:
    """Say whether several processes may share the database."""
    return settings.database_url.get_secret_value().startswith("postgres")


def _unreadable() -> str:
    """Say why the file of settings cannot be read; empty where it can, or is not there."""
    try:
        text = ENV_FILE.read_bytes()
    except FileNotFoundError:
        return ""
    except OSError as error:
        return f".env cannot be read: {error.strerror}."
    try:
        text.decode("utf-8-sig")
    except UnicodeDecodeError:
        return _ENCODING
    return _ENCODING if b"\0" in text else ""


_ENCODING = ".env is not written in UTF-8: save it as UTF-8, with no other encoding (UTF-16, ANSI)."


def _explained(error: ValidationError) -> str:
    problems = error.errors(include_url=False, include_input=False)
    lines = ["The bot does not start, these settings are missing or wrong:"]
    lines += [f"  {_problem(one)}" for one in problems]
    if any(one["type"] == "missing" for one in problems) and not ENV_FILE.exists():
        lines.append(f"There is no .env in {Path.cwd()}: .env.example shows what it holds.")
    return "\n".join(lines)


def _problem(problem: Mapping[str, Any]) -> str:
    words = str(problem["msg"]).removeprefix("Value error, ")
    if not problem["loc"]:
        return words
    setting = str(problem["loc"][0])
    if problem["type"] == "missing":
        others = [name for name in os.environ if name.lower() not in Settings.model_fields]
        misspelt = [name for name in others if meant(name, [setting])]
        words = "it is missing" + "".join(f"; is it meant by {name}?" for name in misspelt)
    elif problem["type"] in ("string_too_short", "too_short"):
        words = "it is empty"
    return f"{setting.upper()}: {words}"
