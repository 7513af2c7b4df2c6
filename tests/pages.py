"""The pages of the documentation, taken apart: headings, links, tables and blocks.

A block of shell commands is fenced as ``sh``. Every line of it is checked by what it names
(``test_docs.py``), unless the fence says ``test=NAME``: then a test runs the block, as it stands.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).parents[1]
RUSSIAN = ".ru.md"

_FENCE = re.compile(r"^ *```(\w*) *([^\n]*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^(#{1,6}) (.+)$", re.MULTILINE)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"`([^`\n]+)`")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, the words behind it, and the line of text before it."""

    language: str
    words: tuple[str, ...]
    text: str
    above: str

    @property
    def test(self) -> str:
        """The name of the test that runs it; empty where none is named."""
        return self._named("test=")

    @property
    def file(self) -> str:
        """The file that it is to be, or is to change; empty where none is named."""
        return self._named("file=")

    def _named(self, what: str) -> str:
        return "".join(word.removeprefix(what) for word in self.words if word.startswith(what))


@dataclass(frozen=True)
class Page:
    """A page, or a chapter of one."""

    path: Path
    text: str

    @property
    def name(self) -> str:
        return str(self.path.relative_to(ROOT))

    @property
    def is_russian(self) -> bool:
        return self.path.name.endswith(RUSSIAN)

    @property
    def language(self) -> str:
        return "ru" if self.is_russian else "en"

    @property
    def twin(self) -> Path:
        """The same page in the other language."""
        name = self.path.name
        other = name.replace(RUSSIAN, ".md") if self.is_russian else name.replace(".md", RUSSIAN)
        return self.path.with_name(other)

    @property
    def prose(self) -> str:
        """The text without its blocks."""
        return _FENCE.sub("", self.text)

    @property
    def headings(self) -> list[tuple[int, str]]:
        return [(len(marks), title) for marks, title in _HEADING.findall(self.prose)]

    @property
    def anchors(self) -> set[str]:
        """The names by which headings are linked to."""
        return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
                for _, title in self.headings}  # fmt: skip

    @property
    def links(self) -> list[str]:
        return _LINK.findall(self.prose)

    @property
    def code(self) -> list[str]:
        """What is set as code within sentences."""
        return _CODE.findall(self.prose)

    def blocks(self, language: str = "", test: str = "") -> list[Block]:
        found = []
        for match in _FENCE.finditer(self.text):
            above = self.text[: match.start()].strip().rpartition("\n")[2]
            block = Block(match[1], tuple(match[2].split()), dedent(match[3]), above)
            if language in ("", block.language) and test in ("", block.test):
                found.append(block)
        return found

    def chapter(self, number: int) -> "Page":
        """The text under the chapter of that number, counted from 1."""
        starts = [match.start() for match in re.finditer(r"^## ", self.text, re.MULTILINE)]
        return Page(self.path, self.text[starts[number - 1] : [*starts, len(self.text)][number]])

    def tables(self) -> list[list[list[str]]]:
        """Every table: its rows without the heading, each a list of cells."""
        tables: list[list[list[str]]] = []
        for lines in re.findall(r"(?:^\|.*\n)+", self.prose, re.MULTILINE):
            rows = [re.split(r" *(?<!\\)\| *", line.strip().strip("|").strip())
                    for line in lines.splitlines()]  # fmt: skip
            tables.append(rows[2:])
        return tables


def read(name: str) -> Page:
    path = ROOT / name
    return Page(path, path.read_text(encoding="utf-8"))


def pages() -> Iterator[Page]:
    """Every page that people are meant to read."""
    for path in sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]):
        yield read(str(path.relative_to(ROOT)))


def plain(words: str) -> str:
    """A cell or a word without the marks of code and emphasis."""
    return words.replace("`", "").replace("**", "").strip()
