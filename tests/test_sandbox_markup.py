"""Entities are read before BB code, as the messenger does it."""

import pytest
from test_sandbox import bot_desk

from sandbox.markup import decoded, mentions


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("&#91;b&#93;", "[b]"),
        ("&#x5B;url=x&#x5d;", "[url=x]"),
        ("&#091;b]", "[b]"),
        ("&LT;&gt;&quot;&amp;", '<>"&'),
        ("&amp;#91;b]", "&#91;b]"),
        ("&\u2060#91;b]", "&\u2060#91;b]"),
        ("a & b; &copy=1 &#91", "a & b; &copy=1 &#91"),
    ],
)
def test_entities_are_read_once(written: str, read: str) -> None:
    assert decoded(written) == read


@pytest.mark.parametrize("text", ["[USER=456]Бот[/USER]", "&#91;user=456 REPLACE]x[/USER]"])
def test_a_mention_may_be_written_with_entities(text: str) -> None:
    assert mentions(text, 456)
    assert not mentions(text, 45)


async def test_the_bot_hears_a_mention_that_is_written_with_entities() -> None:
    async with bot_desk("invite") as desk:
        desk.portal.state.chats[55].members.append(456)
        await desk.say("привет, &#91;USER=456&#93;Бот&#91;/USER&#93;", chat=55)

        assert (await desk.event())["event"] == "ONIMBOTV2MESSAGEADD"
