"""What comes in and what goes out: no input is misread, no output is more than text."""

import html
import re
import unicodedata
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from bot.bitrix24 import bbcode, form
from bot.bitrix24.envelope import Envelope, MalformedEvent
from bot.bitrix24.events import CommandEvent
from bot.commands.quotes import said_lines

FORM = "application/x-www-form-urlencoded"
TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=40)
ANY = st.recursive(
    TEXT | st.integers() | st.floats() | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
MARK = "m4rk-of-a-token"

# A command's form, each of whose fields is now and then something else, or gone.
GOOD = {
    "bot": {"id": "456", "auth": {"access_token": MARK, "application_token": MARK}},
    "command": {"id": "1", "command": "/invite", "params": "id12", "context": "textarea"},
    "message": {"id": "90311", "authorId": "7", "text": "/invite id12", "params": {}},
    "chat": {"id": "8773", "dialogId": "chat8773", "entityType": "LINES", "owner": "7",
             "entityId": "livechat|7|2302|599", "entityData1": "Y|DEAL|288|N|N|0",
             "entityData2": "LEAD|0|COMPANY|0|CONTACT|91|DEAL|288", "entityData3": "N"},
    "user": {"id": "7", "name": "Ольга", "extranet": "0", "bot": "0", "connector": "0"},
    "language": "ru",
}  # fmt: skip
PIECES = st.sampled_from(
    ["|", "0", "-1", "9" * 25, "DEAL", "1e5", "²", "٣", "chat", "[", "/", "\n"]
)
ODD = ANY | st.lists(PIECES, max_size=6).map("".join)


@st.composite
def commands(draw: st.DrawFn) -> dict:
    data = {key: dict(one) if isinstance(one, dict) else one for key, one in GOOD.items()}
    for _ in range(draw(st.integers(0, 3))):
        part = draw(st.sampled_from(sorted(data)))
        inside = data[part]
        if isinstance(inside, dict) and inside and draw(st.booleans()):
            inside[draw(st.sampled_from(sorted(inside)))] = draw(ODD)
        else:
            data[part] = draw(ODD)
    return data


@given(commands(), st.sampled_from(["ONIMBOTV2COMMANDADD", "ONIMBOTV2MESSAGEADD"]))
def test_any_command_is_read_or_called_malformed(data: dict, name: str) -> None:
    try:
        envelope = Envelope.read({"event": name, "data": data})
        if name.endswith("COMMANDADD"):
            event = envelope.command("m" * 32)
        else:
            event = envelope.private_message("m" * 32, said_lines)
    except MalformedEvent as error:
        told, event = str(error), None
    else:
        told = ""
    assert MARK not in told
    if event is None:
        return
    stored = event.model_dump_json()
    assert MARK not in stored
    assert CommandEvent.model_validate_json(stored) == event
    assert len(event.identity) <= 64
    assert len(event.lane) <= 255
    # Whatever is made of an event later, is made of this one without a fault.
    _ = event.chat.items, event.chat.line_id, event.chat.group_id, event.chat.customer_id
    assert event.user.is_external in (True, False)


@given(st.dictionaries(st.sampled_from(["event", "data", "auth", "ts"]), ANY))
def test_any_envelope_is_read_or_called_malformed(tree: dict) -> None:
    with suppress(MalformedEvent):
        envelope = Envelope.read(tree)
        assert 0 < len(envelope.event) <= 64
        assert len(envelope.auth.member_id) <= 64


@given(commands())
def test_a_command_means_the_same_as_a_form(data: dict) -> None:
    body = form.encode({"event": "E", "data": data})
    with suppress(MalformedEvent, form.MalformedForm):
        told = Envelope.read(form.decode(body.encode(), FORM)).command("m")
        assert told.user.id >= 0


HOSTILE = st.text(max_size=200) | st.lists(
    st.sampled_from(["[", "]", "[/", "user=all", "USER", "[b]", "[send=/invite id1]", "/", "\n",
                     "\r", "\u2028", "\x85", "\u202e", "\u200b", "\u2060", "&#91;", "[br]", "#br#",
                     "&", "#91;", "amp;", "&lbrack;", "lbrack", ";", "&#x5b", "&amp;#91;b]",
                     "$result[", "$", "result[c0_look]", "\ud800", "x" * 90]),
    max_size=12,
).map("".join)  # fmt: skip

# What the portal or a browser could take for a code once the entities are read.
CODE = re.compile(r"\[[^\u2060]|\[$|#br#|\$result", re.IGNORECASE)


def read_out(text: str) -> str:
    """Read entities until there is none left: once is what the portal does."""
    while (once := html.unescape(text)) != text:
        text = once
    return text


@given(HOSTILE, st.integers(1, 120))
def test_a_neutral_value_is_one_line_without_markup(value: str, limit: int) -> None:
    said = bbcode.neutralise(value, limit)

    assert not CODE.search(read_out(said))
    assert len(said.splitlines()) <= 1
    assert len(said.replace("\u2060", "")) <= max(limit, 1)
    said.encode()  # no half of a pair is left that could not be sent


@given(HOSTILE)
def test_a_neutral_value_is_seen_as_it_was_written(value: str) -> None:
    said = bbcode.neutralise(value, len(value) + 1)

    assert read_out(said) == said
    assert _seen(said) == _seen(value)
    assert bbcode.neutralise(said, 2 * len(said) + 1) == said


def _seen(text: str) -> str:
    """Give what is to be seen of a text, without a look at how wide its gaps are."""
    shown = (" " if unicodedata.category(one) in ("Cs", "Cc") else one for one in text)
    return "".join(one for one in shown if unicodedata.category(one) != "Cf" and not one.isspace())


@given(st.integers(0, 2**63 - 1), HOSTILE)
def test_a_mention_is_of_its_user_and_of_nobody_else(user_id: int, name: str) -> None:
    said = bbcode.mention(user_id, name)

    assert said.startswith(f"[USER={user_id}]")
    assert said.endswith("[/USER]")
    within = said.removeprefix(f"[USER={user_id}]").removesuffix("[/USER]")
    assert not CODE.search(read_out(within))


@given(HOSTILE)
def test_no_line_becomes_a_command_or_a_quotation(text: str) -> None:
    said = bbcode.without_commands(text)

    assert said.replace("\u2060", "") == text.replace("\u2060", "")
    lines = [line.lstrip() for line in said.split("\n")]
    assert not [line for line in lines if line.startswith(("/", ">>", "------"))]
