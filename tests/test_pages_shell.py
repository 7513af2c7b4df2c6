"""What the pages say to type into a terminal does what they say."""

import os
import shutil
from pathlib import Path

import pytest
from folder import Folder
from pages import read
from postgres import Server, binaries
from sqlalchemy import text
from stage import CHAT, Stage

from bot.store.database import engine_for
from bot.store.migrate import migrate

RUNNING = read("docs/running.md")
SETTINGS = {
    "PUBLIC_URL": "https://bot.example.com",
    "BITRIX24_CLIENT_ID": "local.x",
    "BITRIX24_CLIENT_SECRET": "secret",
    "ENCRYPTION_KEYS": "k" * 32,
}


async def test_a_database_of_postgresql_is_prepared(postgres: Server, tmp_path: Path) -> None:
    [block] = RUNNING.blocks("sh", test="postgresql")
    changes = {"postgresql://switchboard@127.0.0.1:5432/switchboard": postgres.database("prepared")}

    told = await Folder(tmp_path, changes, **SETTINGS).run(block.text)

    assert "The database is up to date." in told
    assert "No portal has installed the app yet." in told


async def test_a_backup_of_sqlite_has_everything(tmp_path: Path) -> None:
    [save] = RUNNING.blocks("sh", test="backup-sqlite")
    folder = Folder(tmp_path, {}, **SETTINGS)
    kept, backup = f"sqlite:///{tmp_path}/data/switchboard.db", f"sqlite:///{tmp_path}/backup.db"
    engine = engine_for(kept)
    migrate(engine)

    with engine.connect():  # the bot runs
        remember(kept)
        await folder.run(save.text)
    engine.dispose()

    assert is_remembered(backup)
    await folder.run(f'DATABASE_URL="{backup}" .venv/bin/python -m bot portals')


async def test_a_backup_of_postgresql_comes_back(postgres: Server, tmp_path: Path) -> None:
    save, restore = RUNNING.blocks("sh", test="backup-postgresql")
    programs = f"{binaries()}:{os.environ['PATH']}"
    folder = Folder(tmp_path, {}, **SETTINGS, PATH=programs)
    kept, empty = postgres.copy("template"), postgres.database("restored")
    remember(kept)

    await folder.run(f'export DATABASE_URL="{kept}"\n{save.text}')
    await folder.run(f'export DATABASE_URL="{empty}"\n{restore.text}')

    assert is_remembered(empty)
    await folder.run(f'DATABASE_URL="{empty}" .venv/bin/python -m bot portals')


@pytest.fixture
def database_url(sqlite_template: Path, tmp_path: Path) -> str:
    shutil.copy(sqlite_template, tmp_path / "bot.db")
    return f"sqlite:///{tmp_path}/bot.db"


async def test_the_stand_in_portal_is_driven_by_what_its_page_says(
    empty_stage: Stage, tmp_path: Path
) -> None:
    [block] = read("docs/sandbox.md").blocks("sh", test="sandbox")
    changes = {
        "http://127.0.0.1:8080": empty_stage.settings.public_url,
        "http://127.0.0.1:8090": empty_stage.portal.url,
        "curl ": "curl --fail-with-body -sS ",
    }
    (tmp_path / "home").mkdir()
    folder = Folder(tmp_path / "home", changes)

    for command in block.text.replace("\\\n", " ").replace(",\n", ",").splitlines():
        await folder.run(command)
        await empty_stage.settled()

    assert 12 in await empty_stage.members(CHAT)


def remember(url: str) -> None:
    engine = engine_for(url)
    with engine.begin() as connection:
        connection.execute(
            text("INSERT INTO preferences (member_id, user_id, language, page_language) "
                 "VALUES ('portal', 7, 'ru', '')")
        )  # fmt: skip
    engine.dispose()


def is_remembered(url: str) -> bool:
    engine = engine_for(url)
    with engine.connect() as connection:
        found = connection.execute(text("SELECT language FROM preferences")).scalars().all()
    engine.dispose()
    return found == ["ru"]
