"""Ordinary mistakes of those who run the bot end in a sentence, with no part of a password."""

import asyncio
import os
import re
import secrets
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from folder import until_printed
from postgres import Server
from process import ROOT, Started
from sqlalchemy import text

from bot.settings import Settings
from bot.store.database import engine_for

PASSWORD = "s3cr3t-pass"
KEY, OTHER = "k" * 40, "n" * 40
GOOD = {
    "PUBLIC_URL": "http://127.0.0.1:8080",
    "BITRIX24_CLIENT_ID": "local.x",
    "BITRIX24_CLIENT_SECRET": PASSWORD,
    "ENCRYPTION_KEYS": KEY,
    "PORT": "0",
}
NEEDED = {name.lower(): f" {value}\n" for name, value in GOOD.items()}
UNANSWERED = "The database does not answer: "


class Told:
    """What the program says when it is started in a folder, and what it ends with."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def __call__(self, *arguments: str, **changed: str | None) -> str:
        """Give what it says instead of starting; it has to be words, and no traceback."""
        code, said = await self.ended(*arguments, **changed)
        assert code == 1, said
        assert "Traceback" not in said
        assert PASSWORD[:6] not in said
        return said

    async def ended(self, *arguments: str, **changed: str | None) -> tuple[int, str]:
        process, log = self._started(*arguments or ("serve",), **changed)
        return await process.wait(), log.read_text()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Have the bot serve as long as the block lasts, and kill it then."""
        process, log = self._started("serve")
        try:
            await until_printed(log, "listening on port")
            yield
        finally:
            process.send_signal(signal.SIGKILL)
            await process.wait()

    def _started(self, *arguments: str, **changed: str | None) -> tuple[Started, Path]:
        wanted = {**GOOD, "PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], **changed}
        variables = {name: value for name, value in wanted.items() if value is not None}
        log = self.folder / f"log.{secrets.token_hex(4)}"
        log.touch()
        return Started(variables, arguments, Path(os.devnull), log, log, folder=self.folder), log


@pytest.fixture
def told(tmp_path: Path) -> Told:
    return Told(tmp_path)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"DATABASE_URL": ""}, "DATABASE_URL: it is empty"),
        ({"DATABASE_URL": f"mysql://u:{PASSWORD}@h/n"}, "no other kind of database"),
        ({"DATABASE_URL": "data/switchboard.db"}, "DATABASE_URL: it takes sqlite:///file.db or"),
        ({"DATABASE_URL": "sqlite://data/bot.db"}, "SQLite takes three slashes and a file"),
        ({"DATABASE_URL": f"postgres://u:{PASSWORD}@x@h/n"}, "in a password write @ as %40"),
        ({"DATABASE_URL": f"postgres://u:{PASSWORD}/x@h/n"}, "in a password write @ as %40"),
        ({"DATABASE_URL": f"postgres://u:1?{PASSWORD}@h/n"}, "in a password write @ as %40"),
        ({"DATABASE_URL": f"postgres://u:{PASSWORD}"}, "in a password write @ as %40"),
        (
            {"DATABASE_URL": f"postgres://u:{PASSWORD}@127.0.0.1:1/n"},
            "The database does not answer",
        ),
        ({"DATABASE_URL": f"postgres://u:{PASSWORD}@no.invalid/n"}, "The database does not answer"),
        ({"DATABASE_URL": "sqlite:///taken/bot.db"}, "The database's file cannot be used: "),
        ({"DATABASE_URL": "sqlite:///taken"}, "file is not a database"),
        ({"DATABASE_URL": "sqlite:////proc/bot.db"}, "The database's file cannot be used: "),
        ({"DATABASE_URL": "sqlite:///."}, "The database's file cannot be used: Is a directory"),
        ({"DATABASE_URL": "sqlite:///bot.db?mode=ro"}, "SQLite takes three slashes and a file"),
        (
            {"DATABASE_URL": f"postgres://u:{PASSWORD}@h/n?sslmode=require&pgbouncer=true"},
            "DATABASE_URL: PostgreSQL knows no option pgbouncer",
        ),
        ({"BITRIX24_OAUTH_URLS": "https://x.ru:port"}, "BITRIX24_OAUTH_URLS: Port could not be"),
        ({"ENCRYPTION_KEYS": ""}, "ENCRYPTION_KEYS: it is empty: put in what python3 -c"),
        ({"BITRIX24_CLIENT_SECRET": ""}, "BITRIX24_CLIENT_SECRET: it is empty"),
        (
            {"BITRIX24_CLIENT_SECRET": None, "BITRIX24_CLIENT_SECRTE": PASSWORD},
            "BITRIX24_CLIENT_SECRET: it is missing; is it meant by BITRIX24_CLIENT_SECRTE?",
        ),
        ({"PUBLIC_URL": "https://x.ru/bitrix24/app"}, "PUBLIC_URL is what stands before /bitrix24"),
        ({"PUBLIC_URL": f"https://u:{PASSWORD}@x.ru"}, "PUBLIC_URL is read by everybody"),
        ({"PUBLIC_URL": "https://bot x.ru"}, "PUBLIC_URL is read by everybody"),
        ({"PUBLIC_URL": "https://x.ru:99999"}, "PUBLIC_URL: Port out of range"),
        ({"PUBLIC_URL": '"https://x.ru"'}, "PUBLIC_URL stands in quotation marks"),
        ({"ENCRYPTION_KEYS": f"'{KEY}'"}, "ENCRYPTION_KEYS stands in quotation marks"),
        ({"BITRIX24_CLIENT_SECRET": "  "}, "BITRIX24_CLIENT_SECRET: it is empty"),
        ({"BITRIX24_CLIENT_ID": "\t"}, "BITRIX24_CLIENT_ID: it is empty"),
        ({"BITRIX24_OAUTH_URLS": ","}, "BITRIX24_OAUTH_URLS: it is empty"),
        (
            {"BITRIX24_OAUTH_URLS": "https://oauth.bitrix.info/oauth/token/"},
            "BITRIX24_OAUTH_URLS takes https:// origins",
        ),
        ({"DATABASE_URL": " "}, "DATABASE_URL: it is empty"),
        ({"DATABASE_URL": "sqlite:///:memory:"}, "SQLite takes three slashes and a file"),
        ({"JOURNAL_DAYS": "inf"}, "JOURNAL_DAYS: Input should be a finite number"),
        ({"PORT": "80a"}, "PORT: Input should be a valid integer"),
    ],
)
async def test_a_wrong_setting_is_told_in_a_sentence(
    told: Told, changed: dict[str, str | None], words: str
) -> None:
    (told.folder / "taken").write_text("no database, and no folder\n" * 40)

    said = await told("migrate", **changed)

    assert words in said
    assert len(said.splitlines()) <= 3


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("LOG_LEVEL=DEBUG\n".encode("utf-16"), ".env is not written in UTF-8"),
        ("LOG_LEVEL=DEBUG\n".encode("utf-16-le"), ".env is not written in UTF-8"),
        ("# Ключи\n".encode("cp1251"), ".env is not written in UTF-8"),
        (None, ".env cannot be read: Is a directory"),
        (b"TRUSTED_PROXYS=1\n", "TRUSTED_PROXYS is no setting, did you mean TRUSTED_PROXIES?"),
    ],
)
async def test_a_file_of_settings_that_cannot_be_read_is_told(
    told: Told, written: bytes | None, words: str
) -> None:
    file = told.folder / ".env"
    file.write_bytes(written) if written else file.mkdir()

    assert words in await told("migrate")


async def test_the_example_as_it_is_copied_says_what_it_lacks(told: Told) -> None:
    (told.folder / ".env").write_bytes((ROOT / ".env.example").read_bytes())

    said = await told("migrate", **dict.fromkeys(GOOD))

    assert said.splitlines()[1:] == [
        '  ENCRYPTION_KEYS: it is empty: put in what python3 -c "import secrets; '
        'print(secrets.token_urlsafe(32))" prints'
    ]


async def test_without_a_file_the_program_says_where_it_looked(told: Told) -> None:
    said = await told("migrate", **dict.fromkeys(GOOD))

    assert "  PUBLIC_URL: it is missing\n" in said
    assert f"There is no .env in {told.folder}" in said


def test_what_is_empty_is_not_set_and_blanks_around_a_value_are_none_of_it() -> None:
    optional = Settings.model_fields.keys() - {*Settings(_env_file=None, **NEEDED).model_fields_set}
    empty = dict.fromkeys(optional - {"database_url"}, " ")

    settings = Settings(_env_file=None, **NEEDED, **empty)

    assert settings == Settings(_env_file=None, **NEEDED)
    assert settings.metrics_token is None
    assert settings.bitrix24_client_id == "local.x"


async def test_names_of_other_programs_and_the_mark_of_an_editor_do_no_harm(told: Told) -> None:
    lines = "".join(f"{name}={value}\n" for name, value in GOOD.items())
    (told.folder / ".env").write_bytes(f"{lines}POSTGRES_PASSWORD=x\n".encode("utf-8-sig"))

    code, said = await told.ended("migrate", **dict.fromkeys(GOOD))

    assert code == 0, said


async def test_a_file_that_is_no_database_is_left_as_it_is(told: Told) -> None:
    (file := told.folder / "notes").write_text("no database\n" * 40)
    file.chmod(0o644)

    assert "file is not a database" in await told("migrate", DATABASE_URL="sqlite:///notes")

    assert file.stat().st_mode & 0o777 == 0o644


async def test_a_port_that_is_taken_is_told(told: Told) -> None:
    with socket.create_server(("0.0.0.0", 0)) as other:
        port = other.getsockname()[1]
        said = await told("serve", PORT=str(port))

    assert f"Port {port} cannot be used: another program has it" in said


async def test_a_second_process_on_one_file_is_told_and_a_dead_one_is_no_hindrance(
    told: Told,
) -> None:
    async with told.serving(), asyncio.timeout(30):
        assert "Another process of the bot serves" in await told("serve")
        assert (await told.ended("portals"))[0] == 0

    async with told.serving():
        pass


async def test_other_keys_are_taken_as_long_as_nothing_is_encrypted(told: Told) -> None:
    assert (await told.ended("rotate-keys"))[0] == 0
    assert (await told.ended("rotate-keys", ENCRYPTION_KEYS=OTHER))[0] == 0
    engine = engine_for(f"sqlite:///{told.folder}/data/switchboard.db")
    with engine.begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM keys")).scalar_one() == 1
        connection.execute(text("INSERT INTO tokens (member_id, user_id, access_token)"
                                " VALUES ('portal', 7, 'encrypted')"))  # fmt: skip
    engine.dispose()

    said = await told("portals")

    assert "the database was written with a key that ENCRYPTION_KEYS does not have" in said
    # Who only looks has written nothing with their first key.
    for keys in (f"{KEY},{OTHER}", OTHER):
        assert (await told.ended("portals", ENCRYPTION_KEYS=keys))[0] == 0


async def test_a_database_of_a_newer_version_is_left_alone(told: Told) -> None:
    assert (await told.ended("migrate"))[0] == 0
    engine = engine_for(f"sqlite:///{told.folder}/data/switchboard.db")
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()

    for command in ("migrate", "serve", "portals"):
        said = await told(command)
        assert "The database's schema is not this version's: it is a newer version's" in said


async def test_postgresql_that_refuses_is_told_in_its_own_words(
    told: Told, postgres: Server
) -> None:
    url = postgres.database("nothing_of_theirs")
    engine = engine_for(url)
    with engine.begin() as connection:
        connection.execute(text("CREATE ROLE stranger LOGIN"))
    engine.dispose()
    stranger = re.sub(r"//[^@/]*@", f"//stranger:{PASSWORD}@", url)

    forbidden = await told("migrate", DATABASE_URL=stranger)
    unknown = await told("migrate", DATABASE_URL=f"{stranger}_else")

    assert "The database refuses: permission denied for schema public" in forbidden
    assert "The database does not answer" in unknown
    assert 'database "nothing_of_theirs_else" does not exist' in unknown


async def test_a_database_that_takes_nothing_is_told_before_anything_is_lost(
    told: Told, postgres: Server
) -> None:
    url = postgres.database("read_only")
    assert (await told.ended("migrate", DATABASE_URL=url))[0] == 0
    engine = engine_for(postgres.url)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ALTER DATABASE read_only SET default_transaction_read_only = on"))
    engine.dispose()

    for command in ("serve", "worker", "doctor", "rotate-keys"):
        async with asyncio.timeout(30):
            said = await told(command, DATABASE_URL=url)
        assert "The database takes nothing: cannot execute " in said
