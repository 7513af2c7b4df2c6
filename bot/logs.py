"""Log lines: readable in a terminal, JSON where a machine collects them; never a secret."""

import logging
import re
import sys
from typing import Any

import structlog

# Values of these names are cut wherever they come up: `auth=…`, `"access_token": "…"`.
_SECRET = re.compile(
    r"(?i)(access_token|refresh_token|application_token|client_secret|auth|code|state)"
    r"(\"?'?\s*[=:]\s*\"?'?)([^\s\"'&,;}]{6,})"
)


def configure(level: str, log_format: str) -> None:
    """Send everything to standard error in one form."""
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
                _redact,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)


def _redact(_logger: Any, _name: str, line: Any) -> Any:
    for key, value in line.items():
        if isinstance(value, str):
            line[key] = _SECRET.sub(r"\1\2•••", value)
    return line
