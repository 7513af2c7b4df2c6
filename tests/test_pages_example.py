"""The pages for those who extend the bot: their example works, their commands do."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from folder import Folder, until_printed
from pages import ROOT, Block, read
from stage import free_port

PAGE = read("docs/extending.md")


# Without what an earlier `make check` has found out, mypy alone reads the whole program.
@pytest.mark.timeout(240)
def test_a_command_is_added_as_the_page_says(tmp_path: Path) -> None:
    copy_project(tmp_path)
    for block in PAGE.blocks():
        if block.file:
            put(block, tmp_path / block.file)

    own = "handlers/card.py handlers/note.py tests/test_card.py tests/test_note.py"
    run(f".venv/bin/python -m ruff check {own}", tmp_path)
    run(f".venv/bin/python -m ruff format --check {own}", tmp_path)
    run(".venv/bin/python -m mypy handlers/card.py handlers/note.py", tmp_path)
    tests = "tests/test_card.py tests/test_note.py tests/test_templates.py tests/test_commands.py "
    tests += "tests/test_wording_rules.py tests/test_docs.py"
    chosen = "(test_card or test_note) and sqlite or test_templates or test_commands"
    chosen += " or test_wording_rules or every_command"
    pytest = ".venv/bin/python -m pytest -n 0 -p no:cacheprovider"
    assert "passed" in run(f"{pytest} -k '{chosen}' {tests}", tmp_path)


def test_a_command_with_words_in_two_languages_takes_six_files() -> None:
    files = {block.file for block in PAGE.blocks() if "card" in block.file}

    assert len(files) == 6


async def test_the_parts_run_by_themselves(tmp_path: Path) -> None:
    prepare, serve, sandbox, look = [one.text for one in PAGE.blocks("sh", test="parts")]
    bot, portal, oauth = (str(free_port()) for _ in range(3))
    changes = {"127.0.0.1:8080": f"127.0.0.1:{bot}", "127.0.0.1:8090": f"127.0.0.1:{portal}",
               "-m sandbox ": f"-m sandbox --port {portal} --oauth-port {oauth} "}  # fmt: skip
    folder = Folder(tmp_path, changes, PORT=bot, PUBLIC_URL=f"http://127.0.0.1:{bot}",
                    BITRIX24_OAUTH_URLS=f"http://127.0.0.1:{oauth}")  # fmt: skip
    await folder.run(prepare)

    async with folder.running(serve) as log, folder.running(sandbox):
        await until_printed(log, f"installed http://127.0.0.1:{bot}/bitrix24/install 200")
        assert '"message_id"' in await folder.run(look)
        await until_printed(log, "command ended")
        assert_described(log.read_text())


def assert_described(log: str) -> None:
    """The line of a command has the fields that the page for those who run the bot names."""
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    [line] = [line for line in lines if line["message"] == "command ended"]
    assert (line["command"], line["outcome"]) == ("invite", "done")
    for name in ("docs/running.md", "docs/running.ru.md"):
        [table] = [table for table in read(name).tables() if "`event_id`" in str(table)]
        assert sorted(re.findall(r"`(\w+)`", " ".join(row[0] for row in table))) == sorted(line)


def copy_project(folder: Path) -> None:
    left_out = shutil.ignore_patterns("images")
    for name in ("handlers", "templates", "docs", "bot", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=left_out)
    if (ROOT / ".mypy_cache").exists():
        # What mypy knows of these very files need not be found out again.
        shutil.copytree(ROOT / ".mypy_cache", folder / ".mypy_cache")
    (folder / "sandbox").symlink_to(ROOT / "sandbox")
    for path in [*ROOT.glob("*.*"), ROOT / ".env.example", ROOT / "Makefile", ROOT / "Procfile"]:
        if path.is_file():
            shutil.copy2(path, folder)
    (folder / ".venv").symlink_to(sys.prefix)


def put(block: Block, path: Path) -> None:
    """Write a file as the page has it, or change one as it says."""
    if block.language != "diff":
        path.write_text(block.text)
        return
    lines = block.text.splitlines(keepends=True)
    before = "".join(line[1:] for line in lines if line.startswith(" "))
    text = path.read_text()
    assert text.count(before) == 1, f"{path.name}: {before}"
    path.write_text(text.replace(before, "".join(line[1:] for line in lines)))


def run(command: str, folder: Path) -> str:
    own = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    done = subprocess.run(
        ["bash", "-euc", command],
        cwd=folder, env=own, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
