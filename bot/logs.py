"""Log lines: readable in a terminal, JSON where a machine collects them; never a secret."""

import logging
import re
import sys
from collections.abc import Sequence
from functools import partial
from typing import Any

import structlog
from pydantic import SecretStr

from bot.secret_names import FIELDS

CUT = "•••"

# Values of these names are cut wherever they come up: `auth=…`, `"access_token": "…"`.
_SECRET = re.compile(rf"(?i)({'|'.join(FIELDS)})(\]?\"?'?\s*[=:]\s*\"?'?)([^\s\"'&,;}}]{{6,}})")


def configure(level: str, log_format: str, hidden: Sequence[SecretStr] = ()) -> None:
    """Send everything to standard error in one form, without ``hidden`` wherever it comes up."""
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                partial(
                    _redact, [one.get_secret_value() for one in hidden if one.get_secret_value()]
                ),
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # Of a migration the command line says what matters.
    logging.getLogger("alembic").setLevel("WARNING")


def _redact(hidden: Sequence[str], _logger: Any, _name: str, line: Any) -> Any:
    for key, value in line.items():
        if isinstance(value, str):
            for one in hidden:
                value = value.replace(one, CUT)
            line[key] = _SECRET.sub(rf"\1\2{CUT}", value)
    return line
