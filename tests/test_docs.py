"""What is written about the project is true."""

import ast
import re
import shlex
from functools import cache
from itertools import zip_longest
from pathlib import Path

import click
import pytest
from honcho.environ import parse_procfile
from pages import ROOT, Block, Page, pages, plain, read

import handlers
from bot import __version__
from bot.cli.program import cli
from bot.figures import Ending
from bot.settings import Settings

README, RUSSIAN_README = read("README.md"), read("README.ru.md")
MAKEFILE = (ROOT / "Makefile").read_text()
PROCFILE = parse_procfile((ROOT / "Procfile").read_text()).processes
ENVIRONMENT = (ROOT / ".env.example").read_text()
PAGES = list(pages())
# For those who work on the project itself, or written by a program: in English alone.
ENGLISH_ONLY = {
    "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "docs/benchmarks.md", "docs/licences.md",
}  # fmt: skip
RUNNING = [read("docs/running.md"), read("docs/running.ru.md")]


def each(pages: list[Page]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("page", pages, ids=lambda page: page.name)


@each([README, RUSSIAN_README])
def test_the_readme_lists_every_command(page: Page) -> None:
    listed = re.findall(r"^\| `/(\w+)", page.text, re.MULTILINE)

    assert sorted(listed) == sorted(handlers.SHIPPED)


def test_the_example_names_every_setting() -> None:
    named = re.findall(r"^#?([A-Z0-9_]+)=", ENVIRONMENT, re.MULTILINE)

    assert sorted(named) == sorted(name.upper() for name in Settings.model_fields)


def test_the_example_lacks_nothing_but_a_key() -> None:
    settings = Settings(_env_file=ROOT / ".env.example", encryption_keys=["k" * 32])

    assert settings.public_url == "http://127.0.0.1:8080"


@each(RUNNING)
def test_the_settings_are_listed_with_their_defaults(page: Page) -> None:
    listed = {plain(row[0]): row[1] for row in rows(page, "PUBLIC_URL")}
    fields = {name.upper(): field for name, field in Settings.model_fields.items()}

    assert listed.keys() == fields.keys()
    for name, default in listed.items():
        field, code = fields[name], re.findall(r"`(.*)`", default)
        assert bool(code) is (not field.is_required() and field.default is not None), name
        if code:
            given = {"public_url": "https://x", "encryption_keys": ["k" * 32]}
            keys = {"bitrix24_client_id": "x", "bitrix24_client_secret": "x"}
            settings = Settings(_env_file=None, **{**given, **keys, name.lower(): code[0]})
            assert getattr(settings, name.lower()) == field.default, name


@each(RUNNING)
def test_the_commands_of_the_program_are_listed_with_their_options(page: Page) -> None:
    listed = {plain(row[0]): options(row[1]) for row in rows(page, "serve")}
    real = {
        name: {opt for one in command.params if isinstance(one, click.Option) for opt in one.opts}
        for name, command in cli.commands.items()
    }

    assert listed == real


@each(RUNNING)
def test_the_processes_of_the_procfile_are_listed(page: Page) -> None:
    assert {plain(row[0]) for row in rows(page, "release")} == PROCFILE.keys()


@each(RUNNING)
def test_the_outcomes_in_the_log_are_listed(page: Page) -> None:
    assert [plain(row[0]) for row in rows(page, "done")] == [one.value for one in Ending]


def test_the_programs_of_the_procfile_start() -> None:
    for line in PROCFILE.values():
        assert names_a_command(line), line


@each(PAGES)
def test_what_a_page_points_to_is_there(page: Page) -> None:
    local = [link for link in page.links if "://" not in link]

    assert [link for link in local if not leads_somewhere(page, link)] == []


@each([page for page in PAGES if page.is_russian])
def test_a_russian_page_points_to_russian_pages(page: Page) -> None:
    files = [(page.path.parent / link.partition("#")[0]).resolve() for link in page.links]
    english = [file for file in files if file.suffix == ".md" and ".ru." not in file.name]
    russian = [file for file in english if file.with_suffix(".ru.md").exists()]

    # But for the link to the same page in English, at its top.
    assert set(russian) <= {page.twin.resolve()}


@each([page for page in PAGES if page.name not in ENGLISH_ONLY])
def test_a_page_says_the_same_in_both_languages(page: Page) -> None:
    assert page.twin.exists()
    twin = read(str(page.twin.relative_to(ROOT)))

    assert [depth for depth, _ in page.headings] == [depth for depth, _ in twin.headings]
    assert [len(table) for table in page.tables()] == [len(table) for table in twin.tables()]
    for one, other in zip_longest(page.blocks(), twin.blocks()):
        assert (one.language, one.words) == (other.language, other.words)
        assert one.text == other.text or one.language == "text", one.text


@each(PAGES)
def test_shell_commands_are_run_or_name_what_is_there(page: Page) -> None:
    for block in page.blocks("sh"):
        for command in commands(block):
            assert names_a_command(command), f"{page.name}: nothing runs {command!r}"


@each(PAGES)
def test_commands_within_sentences_name_what_is_there(page: Page) -> None:
    for code in page.code:
        if re.match(r"(make|honcho|(\S+/)?python3?|pytest) ", code):
            assert names_a_command(code), f"{page.name}: {code}"


@each(PAGES)
def test_a_block_that_a_test_is_to_run_is_run_by_one(page: Page) -> None:
    tests = "".join(path.read_text("utf-8") for path in (ROOT / "tests").glob("test_*.py"))

    for block in page.blocks():
        assert not block.test or f'test="{block.test}"' in tests, block.test


@each([README, RUSSIAN_README])
def test_the_readme_gives_the_commands_that_make_has(page: Page) -> None:
    first = page.chapter(1).blocks("sh")[0].text

    assert {"make demo", "make test"} <= set(first.splitlines())


def rows(page: Page, first: str) -> list[list[str]]:
    """The table whose first row begins with that word."""
    [table] = [table for table in page.tables() if plain(table[0][0]) == first]
    return table


def options(cell: str) -> set[str]:
    return set(re.findall(r"(--[\w-]+)", cell))


def commands(block: Block) -> list[str]:
    """The lines of a block that nobody runs, continued ones put together."""
    if block.test:
        return []
    lines = block.text.replace("\\\n", " ").splitlines()
    return [line for line in lines if line.strip() and not line.startswith("#")]


def names_a_command(line: str) -> bool:
    """Whether a command is one that make, the program or the project's scripts have."""
    program, *arguments = shlex.split(line, comments=True)
    if program == "git":
        return arguments in (["fetch", "--tags"], ["checkout", f"v{__version__}"])
    if program == "make":
        goals = [one for one in arguments if "=" not in one]
        return all(re.search(rf"^{goal}:", MAKEFILE, re.MULTILINE) for goal in goals)
    if not re.fullmatch(r"(\.venv/bin/)?python3?", program):
        return False
    match arguments:
        case ["-m", "bot", *rest]:
            return is_understood(rest)
        case ["-m", ("sandbox" | "sandbox.demo"), *rest]:
            known = (ROOT / "sandbox" / "__main__.py").read_text()
            return all(f'"{option}"' in known for option in rest if option.startswith("--"))
        case [script]:
            return (ROOT / script).is_file()
    return False


def is_understood(arguments: list[str]) -> bool:
    """Whether the program knows this command and its options; it is not carried out."""
    if arguments in ([], ["--help"], ["--version"]):
        return True
    command = cli.commands.get(arguments[0])
    if command is None:
        return False
    try:
        command.make_context(arguments[0], arguments[1:], resilient_parsing=False).close()
    except click.exceptions.Exit:
        return True
    except click.UsageError:
        return False
    return True


def leads_somewhere(page: Page, link: str) -> bool:
    name, _, anchor = link.partition("#")
    path = Path(page.path.parent, name).resolve() if name else page.path
    if not path.exists():
        return False
    return not anchor or anchor in read(str(path.relative_to(ROOT))).anchors


@each([read("docs/troubleshooting.md"), read("docs/troubleshooting.ru.md")])
def test_the_symptoms_are_in_the_words_of_the_bot(page: Page) -> None:
    """Quoted words stand in the templates of the page's language, code in the program."""
    words = all_templates(page.language)
    quotes = re.findall(r"«([^»]+)»" if page.is_russian else r'"([^"]+)"', page.prose)
    buttons = [one.strip("«»") for one in re.findall(r"\*\*([^*]+)\*\*", page.prose)]
    messages = [row[0] for table in page.tables() for row in table]
    printed = [code for one in messages for code in re.findall(r"`([^`]+ [^`]+)`", one)]

    assert [one for one in [*quotes, *buttons] if one not in words] == []
    strings = all_strings()
    assert [one for one in printed if one not in strings] == []


def all_templates(language: str) -> str:
    """Every word of a language, without the marks of bold."""
    folders = [ROOT / "templates" / language, ROOT / "templates" / "pages" / language]
    texts = [path.read_text("utf-8") for folder in folders for path in folder.rglob("*.j2")]
    return re.sub(r"\[/?b\]", "", "\n".join(texts))


@cache
def all_strings() -> str:
    """Every string of the program, one a line; what is filled in is left out."""
    trees = [ast.parse(path.read_text("utf-8")) for path in (ROOT / "bot").rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    return "\n".join(
        node.value for node in nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )  # fmt: skip
