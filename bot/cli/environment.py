"""What every command of the program begins with: the settings, and how it ends without them."""

import sys
from collections.abc import Coroutine
from typing import TypeVar

import uvloop
from pydantic import ValidationError

from bot import logs
from bot.settings import Settings
from bot.store.keyring import WrongKeys
from bot.store.schema import SchemaOutdated

T = TypeVar("T")


def read_settings() -> Settings:
    """Read the settings and begin to log; end the program where one is missing or wrong."""
    try:
        settings = Settings()
    except ValidationError as error:
        sys.exit(_explained(error))
    logs.configure(settings.log_level, settings.log_format, settings.secrets)
    return settings


def is_shared(settings: Settings) -> bool:
    """Say whether several processes may share the database."""
    return settings.database_url.get_secret_value().startswith("postgres")


def run(process: Coroutine[None, None, T]) -> T:
    """Run until it ends; end the program where the database is not this version's."""
    try:
        return uvloop.run(process)
    except (SchemaOutdated, WrongKeys) as error:
        sys.exit(refusal(error))


def refusal(error: SchemaOutdated | WrongKeys) -> str:
    """Word why the program does not go on."""
    if isinstance(error, SchemaOutdated):
        return f"The database's schema is not this version's: {error}"
    return f"The bot does not start: {error}."


def _explained(error: ValidationError) -> str:
    lines = [
        f"  {str(problem['loc'][0]).upper() if problem['loc'] else ''}: {problem['msg']}"
        for problem in error.errors(include_url=False, include_input=False)
    ]
    return "\n".join(["The bot does not start, these settings are missing or wrong:", *lines])
