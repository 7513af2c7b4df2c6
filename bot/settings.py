"""Everything the environment decides."""

import os
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bot.bitrix24.network import is_own
from bot.secret_names import SETTINGS

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

# Whatever a generator makes a key of, it is at least so long; a Fernet key has 44 characters.
SHORTEST_KEY = 32

# What platforms set whose disk is gone with every restart, unless a volume is added: Heroku and
# Dokku, Render, Railway.
DISPOSABLE_DISK = ("DYNO", "RENDER", "RAILWAY_ENVIRONMENT_NAME")


def _split(value: object) -> object:
    return (
        [part.strip() for part in value.split(",") if part.strip()]
        if isinstance(value, str)
        else value
    )


CommaSeparated = Annotated[list[str], NoDecode, BeforeValidator(_split)]
CommaSeparatedSecrets = Annotated[
    list[SecretStr], NoDecode, BeforeValidator(_split), Field(min_length=1)
]


def is_safe_origin(url: str) -> bool:
    """Say whether tokens may travel to this address: https, or http to this very machine."""
    parts = urlsplit(url)
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    )


class Settings(BaseSettings):
    """The program's settings. Raises ``ValidationError`` that names what is missing or wrong."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", hide_input_in_errors=True)

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
    rest_timeout: float = Field(30.0, gt=0, description="seconds one REST call may take")
    retry_for: float = Field(600.0, ge=0, description="seconds a safe REST call is repeated")

    @field_validator("public_url")
    @classmethod
    def _public_url(cls, value: str) -> str:
        if not is_safe_origin(value):
            raise ValueError("PUBLIC_URL must begin with https:// (http:// only on this machine)")
        return value.rstrip("/")

    @field_validator("bitrix24_oauth_urls")
    @classmethod
    def _oauth_urls(cls, value: list[str]) -> list[str]:
        for url in value:
            if not is_safe_origin(url):
                raise ValueError("BITRIX24_OAUTH_URLS takes https:// origins, comma-separated")
        return [url.rstrip("/") for url in value]

    @field_validator("database_url")
    @classmethod
    def _database_url(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
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
        values = [getattr(self, name) for name in SETTINGS]
        flat = [one for value in values for one in (value if isinstance(value, list) else [value])]
        return [one for one in flat if one is not None]
