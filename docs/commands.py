"""Writes docs/commands.md and docs/commands.ru.md from the commands themselves."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import handlers  # noqa: E402  # the program is found only after the line above
from bot.wording.rendering import Wording  # noqa: E402

PAGES = {"commands.md": "en", "commands.ru.md": "ru"}


def page(language: str) -> str:
    """Write one page, of the commands that the bot comes with. What is bold in a chat is code."""
    text = Wording().page("manual.j2", language, names=list(handlers.SHIPPED))
    text = text.replace("[b]", "`").replace("[/b]", "`")
    return text + "\n"


if __name__ == "__main__":
    for name, language in PAGES.items():
        (ROOT / "docs" / name).write_text(page(language), encoding="utf-8")
