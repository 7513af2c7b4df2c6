"""Everything the environment decides."""

import os
import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    BeforeValidator,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from bot.bitrix24.network import is_own

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

# Whatever a generator makes a key of, it is at least so long; a Fernet key has 44 characters.
SHORTEST_KEY = 32

# What platforms set whose disk is gone with every restart, unless a volume is added: Heroku and
# Dokku, Render, Railway.
DISPOSABLE_DISK = ("DYNO", "RENDER", "RAILWAY_ENVIRONMENT_NAME")

# The kinds of databases: Heroku and platforms like it say postgres.
DATABASES = ("sqlite", "postgres", "postgresql", "postgresql+psycopg")

# How much alike a name and a setting's name have to be for one to be meant by the other.
ALIKE = 0.85

MAKE_A_KEY = 'python3 -c "import secrets; print(secrets.token_urlsafe(32))"'


def _split(value: object) -> object:
    return (
        [part.strip() for part in value.split(",") if part.strip()]
        if isinstance(value, str)
        else value
    )


def _plain(name: str, value: object) -> object:
    """Give a setting without the blanks around it. Raises ``ValueError`` where it is quoted."""
    if not isinstance(value, str) or name not in Settings.model_fields:
        return value
    value = value.strip()
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        # A shell and .env take them away; `docker run --env-file` does not.
        raise ValueError(
            f"{name.upper()} stands in quotation marks, which are a part of it here: leave them out"
        )
    return value


CommaSeparated = Annotated[list[str], NoDecode, BeforeValidator(_split)]
CommaSeparatedSecrets = Annotated[list[SecretStr], NoDecode, BeforeValidator(_split)]


def is_safe_origin(url: str) -> bool:
    """Say whether tokens may travel to this address: https, or http to this very machine."""
    parts = urlsplit(url)
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    )


def meant(name: str, settings: Iterable[str]) -> str:
    """Give the setting that a misspelt name must mean; empty where there is none like it."""
    return next(iter(get_close_matches(name.lower(), list(settings), 1, ALIKE)), "")


def check_database(url: str) -> None:
    """Look at what ``DATABASE_URL`` holds. Raises ``ValueError``, without a part of it."""
    if not url:
        raise ValueError("it is empty: leave the line out for SQLite, or name a PostgreSQL")
    scheme, mark, rest = url.partition("://")
    if not mark or scheme not in DATABASES:
        raise ValueError(
            "it takes sqlite:///file.db or postgresql://user:password@host/name, "
            "and no other kind of database"
        )
    if scheme == "sqlite":
        if not rest.startswith("/") or rest.strip("/") in ("", ":memory:") or "?" in rest:
            raise ValueError("SQLite takes three slashes and a file: sqlite:///data/switchboard.db")
        return
    authority = re.split("[/?]", rest, maxsplit=1)[0]
    try:
        options = make_url(url).query
        is_clear = authority.count("@") == rest.count("@") <= 1
    except (ArgumentError, ValueError):
        is_clear = False
    if not is_clear:
        raise ValueError(
            "it cannot be read: in a password write @ as %40, : as %3A, / as %2F and ? as %3F"
        )
    if unknown := sorted(options.keys() - _known_to_postgresql()):
        raise ValueError(f"PostgreSQL knows no option {', '.join(unknown)}: leave out what it says")


def _known_to_postgresql() -> set[str]:
    # SQLite is not to pay for its driver.
    from psycopg.pq import Conninfo

    return {one.keyword.decode() for one in Conninfo.get_defaults()}


class Settings(BaseSettings):
    """The program's settings. Raises ``ValidationError`` that names what is missing or wrong."""

    # Editors on Windows begin a file with a mark of its encoding.
    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8-sig",
        extra="ignore",
        hide_input_in_errors=True,
        allow_inf_nan=False,
    )

    port: int = Field(8080, ge=0, le=65535)
    public_url: str
    trusted_proxies: int = Field(0, ge=0, le=10, description="proxies before the bot")
    private_portals: bool = Field(False, description="portals may have private addresses")
    disk_is_kept: bool = Field(False, description="the disk of SQLite outlives a restart")
    database_url: SecretStr = SecretStr("sqlite:///data/switchboard.db")
    bitrix24_client_id: str = Field(min_length=1)
    bitrix24_client_secret: SecretStr = Field(min_length=1)
    bitrix24_oauth_urls: CommaSeparated = [
        "https://oauth.bitrix.info",
        "https://oauth.bitrix24.tech",
    ]
    encryption_keys: CommaSeparatedSecrets
    metrics_token: SecretStr | None = None
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["json", "text"] | None = None
    portal_bucket: float = Field(50, ge=3, description="requests a portal takes at once")
    portal_rate: float = Field(2.0, gt=0, description="requests a portal takes a second")
    inbox_days: float = Field(14, ge=1, description="days an answered command is kept")
    journal_days: float = Field(365, ge=1, description="days the journal is kept")
    left_days: float = Field(30, ge=0, description="days the journal outlives a removed app")
    rest_timeout: float = Field(30.0, gt=0, description="seconds one REST call may take")
    retry_for: float = Field(600.0, ge=0, description="seconds a safe REST call is repeated")

    @model_validator(mode="before")
    @classmethod
    def _names(cls, values: Any) -> Any:
        """Refuse a name of the file that must mean a setting: left out, nobody would notice."""
        unset = cls.model_fields.keys() - values.keys()
        for name in values.keys() - cls.model_fields.keys():
            if setting := meant(name, unset):
                raise ValueError(f"{name.upper()} is no setting, did you mean {setting.upper()}?")
        return values

    @model_validator(mode="before")
    @classmethod
    def _written(cls, values: Any) -> Any:
        """Leave out the blanks around a value, and a setting that is empty.

        What is required stays, to be refused for being empty; and so does ``DATABASE_URL``:
        whoever wants PostgreSQL would not notice otherwise.
        """
        kept = {"database_url", *(n for n, one in cls.model_fields.items() if one.is_required())}
        plain = {name: _plain(name, value) for name, value in values.items()}
        return {name: value for name, value in plain.items() if value != "" or name in kept}

    @field_validator("public_url")
    @classmethod
    def _public_url(cls, value: str) -> str:
        if not is_safe_origin(value):
            raise ValueError("PUBLIC_URL must begin with https:// (http:// only on this machine)")
        parts = urlsplit(value)
        if parts.query or parts.fragment or "/bitrix24" in parts.path:
            raise ValueError("PUBLIC_URL is what stands before /bitrix24: https://bot.example.com")
        if parts.username is not None or len(value.split()) > 1:
            raise ValueError("PUBLIC_URL is read by everybody: no password in it, and no blank")
        _ = parts.port  # raises ``ValueError`` where it is no port
        return value.rstrip("/")

    @field_validator("bitrix24_oauth_urls")
    @classmethod
    def _oauth_urls(cls, value: list[str]) -> list[str]:
        if not value:
            raise ValueError("it is empty: leave the line out for Bitrix24's own servers")
        for url in value:
            if not is_safe_origin(url) or urlsplit(url).path.strip("/"):
                raise ValueError("BITRIX24_OAUTH_URLS takes https:// origins, comma-separated")
            _ = urlsplit(url).port  # raises ``ValueError`` where it is no port
        return [url.rstrip("/") for url in value]

    @field_validator("database_url")
    @classmethod
    def _database_url(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        check_database(value.get_secret_value())
        marks = [name for name in DISPOSABLE_DISK if name in os.environ]
        is_file = value.get_secret_value().startswith("sqlite")
        if is_file and marks and not info.data.get("disk_is_kept"):
            raise ValueError(
                f"SQLite on a platform that empties its disk at every restart ({marks[0]} is set): "
                "portals, tokens and waiting commands would be lost. Give DATABASE_URL a "
                "PostgreSQL, or set DISK_IS_KEPT=yes if the file lies on a volume that stays"
            )
        return value

    @field_validator("encryption_keys")
    @classmethod
    def _encryption_keys(cls, value: list[SecretStr]) -> list[SecretStr]:
        if not value:
            raise ValueError(f"it is empty: put in what {MAKE_A_KEY} prints")
        for number, key in enumerate(value, start=1):
            if len(key) < SHORTEST_KEY:
                raise ValueError(
                    f"key {number} of ENCRYPTION_KEYS is too short, it may be cut: a key has at "
                    f"least {SHORTEST_KEY} random characters"
                )
        return value

    @property
    def takes_private_portals(self) -> bool:
        """Whether portals may have addresses of a network of one's own."""
        return self.private_portals or is_own(urlsplit(self.public_url).hostname or "")

    @property
    def secrets(self) -> list[SecretStr]:
        """The values that must not come up anywhere."""
        held = [value if isinstance(value, list) else [value] for _, value in self]
        return [one for some in held for one in some if isinstance(one, SecretStr)]
