"""Log lines: readable in a terminal, JSON where a machine collects them; never a secret."""

import logging
import os
import re
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TextIO, cast

import structlog
from aiohttp.http import HttpProcessingError
from aiohttp.web import RequestPayloadError
from pydantic import SecretStr

CUT = "•••"

# Secrets by their names in requests, answers and addresses, in any case: cut wherever they come up.
FIELDS = (
    "access_token",
    "refresh_token",
    "application_token",
    "client_secret",
    "AUTH_ID",
    "REFRESH_ID",
    "auth",
    "code",
    "state",
    "ticket",
    "session",
)

# Of a migration and of a job the command line and the bot's own lines say what matters.
TALKATIVE = ("alembic", "procrastinate")

# Nobody else has a word in these.
_MADE_HERE = frozenset({"timestamp", "level", "logger"})

# What a command's run has bound goes into every line that is written meanwhile.
_BEGIN: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]

# Control characters, separators of lines, and what turns the direction of writing.
_STEERING = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")

# `auth=…`, `"access_token": "…"`.
_SECRET = re.compile(rf"(?i)({'|'.join(FIELDS)})(\]?\"?'?\s*[=:]\s*\"?'?)([^\s\"'&,;}}]{{6,}})")


def configure(level: str, log_format: str | None, hidden: Sequence[SecretStr] = ()) -> None:
    """Send everything to standard error in one form, without ``hidden`` wherever it comes up.

    ``log_format`` is ``json`` or ``text``; ``None`` stands for text in a terminal, else JSON.
    """
    if log_format is None:
        log_format = "text" if sys.stderr.isatty() else "json"
    finish = [
        structlog.processors.format_exc_info,
        _redaction([one.get_secret_value() for one in hidden]),
        *_RENDERERS[log_format](),
    ]
    _configure_lines(level, finish)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter(finish))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    logging.getLogger("aiohttp.server").filters[:] = [_is_of_ours]


def in_one_line(text: str) -> str:
    """Write what breaks a line or steers a terminal as an escape: others may have made it up."""
    return _STEERING.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


class _StandardError:
    """Standard error, as long as somebody reads it: no command is to end for a line."""

    def write(self, line: str) -> None:
        with suppress(OSError, ValueError):
            sys.stderr.write(line)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            sys.stderr.flush()


def _configure_lines(level: str, finish: list[Any]) -> None:
    """Prepare structlog's own loggers: by way of the standard library a line costs twice."""
    structlog.configure(
        processors=[*_BEGIN, structlog.processors.add_log_level, *finish],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.WriteLoggerFactory(cast(TextIO, _StandardError())),
        cache_logger_on_first_use=True,
    )


def _formatter(finish: list[Any]) -> logging.Formatter:
    """Make the form of what the standard library's loggers write."""
    stdlib = structlog.stdlib
    return stdlib.ProcessorFormatter(
        foreign_pre_chain=[*_BEGIN, stdlib.add_log_level, stdlib.add_logger_name],
        processors=[stdlib.ProcessorFormatter.remove_processors_meta, *finish],
    )


def _json() -> list[Any]:
    # Collectors look for the words under "message"; an event is what Bitrix24 posts.
    renamed = structlog.processors.EventRenamer("message")
    return [renamed, structlog.processors.JSONRenderer(ensure_ascii=False)]


def _text() -> list[Any]:
    is_plain = "NO_COLOR" in os.environ or not sys.stderr.isatty()
    return [_harmless, structlog.dev.ConsoleRenderer(colors=not is_plain)]


def _harmless(_logger: Any, _name: str, line: Any) -> Any:
    """Keep every line one line; only a traceback of our own has several."""
    for key, value in line.items():
        if isinstance(value, str):
            parts = value.split("\n") if key == "exception" else [value]
            line[key] = "\n".join(map(in_one_line, parts))
    return line


_RENDERERS = {"json": _json, "text": _text}


def _redaction(hidden: Sequence[str]) -> Callable[[Any, str, Any], Any]:
    """Make the processor that cuts secrets out, those named and those of ``hidden``."""
    secrets = [one for one in hidden if one]
    shortest = min(map(len, secrets), default=sys.maxsize)

    def redact(_logger: Any, _name: str, line: Any) -> Any:
        for key, value in line.items():
            if not isinstance(value, str) or key in _MADE_HERE:
                continue
            if len(value) >= shortest:
                for one in secrets:
                    value = value.replace(one, CUT)
            # Without one of these there is nothing for the expression to find.
            if "=" in value or ":" in value:
                value = _SECRET.sub(rf"\1\2{CUT}", value)
            line[key] = value
        return line

    return redact


def _is_of_ours(record: logging.LogRecord) -> bool:
    """Drop the tracebacks of what strangers send that is no HTTP; they get their 400."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, HttpProcessingError | RequestPayloadError)
