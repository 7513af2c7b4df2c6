"""The journal on the app's page: read, filtered, taken away as a table."""

import json
import re
import time

import pytest
from aiohttp import ClientPayloadError
from app_page import opened, posted, rows_of, sending, words_of
from sqlalchemy import text
from stage import ADMIN, OLGA, ON_SQLITE, PAVEL, Stage

TYPED = "/invite id12"


async def test_the_journal_tells_who_asked_what(stage: Stage) -> None:
    await stage.say(TYPED)
    await stage.say("/invite id15", user=OLGA)
    _, page = await opened(stage, ADMIN)

    page = await posted(stage, page, view="journal")

    rows = rows_of(page)
    assert len(rows) == 2
    assert "Анна Орлова 15" in rows[0]
    assert "Ольга Смирнова 7 /invite Иван Петров 12 chat8773 сделка № 288 сделано" in rows[1]


async def test_the_journal_is_filtered_and_paged(stage: Stage) -> None:
    fill_journal(stage, 120)
    _, page = await opened(stage, ADMIN)

    page = await posted(stage, page, view="journal", requester=str(OLGA), result="refused")
    assert len(rows_of(page)) == 50
    assert "Более ранние" in page
    [before] = re.findall(r'name="before" value="(\d+)"', page)
    page = await posted(
        stage, page, view="journal", requester=str(OLGA), result="refused", before=before
    )
    assert len(rows_of(page)) == 10
    assert "К новым" in page

    for none in ({"since": "2030-01-01"}, {"since": "2300-01-01"}, {"until": "0202-11-28"}):
        page = await posted(stage, page, view="journal", **{"since": "", "until": "", **none})
        assert "Ничего не найдено." in words_of(page), none
    page = await posted(stage, page, view="journal", since="", until="9999-12-31")
    assert "Ничего не найдено." not in words_of(page)
    page = await posted(stage, page, view="journal", until="nonsense")
    assert len(rows_of(page)) == 50


async def test_the_journal_is_filtered_by_name(stage: Stage) -> None:
    fill_journal(stage, 3)
    fill_journal(stage, 2, requester=PAVEL)
    _, page = await opened(stage, ADMIN)

    page = await posted(stage, page, view="journal", requester="ольга смирнова")
    assert len(rows_of(page)) == 3
    page = await posted(stage, page, view="journal", requester="Лебедев")
    assert len(rows_of(page)) == 2, "who is dismissed has left traces as well"
    assert "Павел Лебедев 33 /invite" in rows_of(page)[0]

    page = await posted(stage, page, view="journal", requester="' OR 1=1")
    assert "Нет сотрудника по запросу «' OR 1=1»." in words_of(page)
    assert "<tbody>" not in page
    assert len(await table_of(stage, page, requester="Никто Такой")) == 1


@ON_SQLITE
@pytest.mark.parametrize("view", ["journal", "csv"])
async def test_nobody_is_unknown_because_the_portal_is_silent(stage: Stage, view: str) -> None:
    _, page = await opened(stage, ADMIN)
    error = {"status": 500, "code": "INTERNAL_SERVER_ERROR", "description": ""}
    await stage.faults(method="user.search", times=None, error=error)

    async with sending(stage, page, view=view, requester="Ольга") as response:
        told = await response.text()

    assert (response.status, "Сейчас не получилось" in told) == (503, True)


@ON_SQLITE
async def test_the_journal_leads_to_the_chat_and_the_record(stage: Stage) -> None:
    await stage.say(TYPED)
    _, page = await opened(stage, ADMIN)

    page = await posted(stage, page, view="journal")

    assert f'href="{stage.portal.url}/online/?IM_DIALOG=chat8773"' in page
    assert f'href="{stage.portal.url}/crm/deal/details/288/"' in page


@ON_SQLITE
async def test_only_commands_that_change_something_are_in_the_filter(stage: Stage) -> None:
    _, page = await opened(stage, ADMIN)

    page = await posted(stage, page, view="journal")

    offered = re.findall(r'<option value="(\w+)">/', page)
    assert offered == ["invite", "remove", "escalate", "group", "undo"]


@ON_SQLITE
async def test_the_journal_comes_as_a_table_that_runs_nothing(stage: Stage) -> None:
    fill_journal(stage, 3, code="=HYPERLINK(1)")
    _, page = await opened(stage, ADMIN)

    lines = await table_of(stage, page, zone="Europe/Moscow")

    # A Russian Excel takes it as it comes: marked as UTF-8, its own separator, moments it knows.
    assert lines[0].startswith("\ufeffкогда (Europe/Moscow);кто;команда;кого;")
    assert len(lines) == 4
    assert lines[1].startswith("2026-09-21 17:13:22;7;/invite;12;")
    assert all(";'=HYPERLINK(1)" in line or ";done;" in line for line in lines[1:])
    assert ";=" not in "".join(lines)


@ON_SQLITE
@pytest.mark.parametrize("code", ["+1", "-1", "@SUM(1)", "\t=1", "\n=1", "\uff1d1"])
async def test_no_cell_is_a_formula(stage: Stage, code: str) -> None:
    fill_journal(stage, 2, code=code)
    _, page = await opened(stage, ADMIN, language="en")

    text = "\r\n".join(await table_of(stage, page))

    assert text.startswith("\ufeffwhen (UTC),who,command,for whom,")
    assert f"'{code}" in text


@ON_SQLITE
async def test_a_table_that_cannot_be_begun_is_excused_on_a_page(stage: Stage) -> None:
    fill_journal(stage, 1)
    spoil_oldest(stage)
    _, page = await opened(stage, ADMIN)

    async with sending(stage, page, view="csv") as response:
        told = await response.text()

    assert (response.status, response.content_type) == (503, "text/html")
    assert "Сейчас не получилось" in told


@ON_SQLITE
async def test_a_part_of_the_table_does_not_pass_for_the_whole(stage: Stage) -> None:
    fill_journal(stage, 600)
    spoil_oldest(stage)
    _, page = await opened(stage, ADMIN)

    async with sending(stage, page, view="csv") as response:
        with pytest.raises(ClientPayloadError):
            await response.read()


def spoil_oldest(stage: Stage) -> None:
    """Have the database refuse to give the first row that it has got."""
    with stage.engine.begin() as connection:
        connection.execute(
            text("UPDATE journal SET chat = CAST(x'ff' AS TEXT)"
                 " WHERE id = (SELECT min(id) FROM journal)")
        )  # fmt: skip


@ON_SQLITE
async def test_times_are_the_browsers_where_the_portal_knows_none(stage: Stage) -> None:
    fill_journal(stage, 1)
    _, page = await opened(stage, ADMIN)

    page = await posted(stage, page, view="journal", zone="Asia/Yekaterinburg")
    assert rows_of(page)[0].startswith("21 сент. 2026, 19:13 +0500")
    page = await posted(stage, page, view="journal", zone="Asia/Yekaterinburg", since="2026-09-22")
    assert "Ничего не найдено" in page
    page = await posted(stage, page, view="journal", zone="../../etc/passwd")
    assert rows_of(page)[0].startswith("21 сент. 2026, 14:13 UTC")
    assert '<time datetime="2026-09-21T14:13:20+00:00">' in page


@ON_SQLITE
@pytest.mark.parametrize(
    ("zone", "shown"),
    [("Europe/Moscow", "17:13 +0300"), ("../UTC", "14:13 UTC"), ("x" * 300, "14:13 UTC")],
)
async def test_moments_are_in_the_visitors_time_zone(stage: Stage, zone: str, shown: str) -> None:
    fill_journal(stage, 1)
    profile = {"ID": str(ADMIN), "ADMIN": True, "TIME_ZONE": zone}
    await stage.faults(method="profile", result=profile, times=None)
    _, page = await opened(stage, ADMIN, language="en")

    page = await posted(stage, page, view="journal")

    assert rows_of(page)[0].startswith(f"21 Sep 2026, {shown}")


@ON_SQLITE
async def test_stored_markup_stays_text(stage: Stage) -> None:
    fill_journal(stage, 2, code="<script>alert(1)</script>")
    _, page = await opened(stage, ADMIN)

    page = await posted(stage, page, view="journal", requester='"><img src=x onerror=alert(1)>')

    assert "<script>alert" not in page
    assert "<img" not in page


async def table_of(stage: Stage, page: str, **fields: str) -> list[str]:
    """Download the journal, and give its lines."""
    async with sending(stage, page, view="csv", **fields) as response:
        assert response.content_type == "text/csv"
        assert response.headers["Content-Disposition"].startswith("attachment")
        return (await response.read()).decode("utf-8").strip("\r\n").split("\r\n")


def fill_journal(
    stage: Stage, count: int, code: str = "ACCESS_DENIED", requester: int = OLGA
) -> None:
    rows = [
        {"number": number, "code": code if number % 2 else None, "requester": requester,
         "portal": stage.portal.state.settings.member_id}
        for number in range(count)
    ]  # fmt: skip
    with stage.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO journal (command_id, step, member_id, requester_id, chat, command,"
                " method, person_id, params, begun_at, answered_at, result, code)"
                " VALUES (:number + 1000 * :requester, 0, :portal, :requester, 'chat8773',"
                " 'invite', 'm', 12, '{}',"
                " 1790000000 + :number, 1790000001, 'null', :code)"
            ),
            rows,
        )


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("ru", "Эскалации за 30 дней приняты 10 никто не взял 2 остановлены 1 отменены 0"
               " половину приняли не позже чем через 5 мин"
               " девять из десяти — не позже чем через 1 ч 1 мин"),
        ("en", "Escalations of the last 30 days taken 10 nobody took it 2 stopped 1 undone 0"
               " half were taken within 5 min nine in ten within 1 h 1 min"),
    ],
)  # fmt: skip
async def test_the_journal_tells_how_escalations_ended(
    stage: Stage, language: str, told: str
) -> None:
    _, page = await opened(stage, ADMIN, language=language)
    assert told[:10] not in words_of(await posted(stage, page, view="journal"))
    taken = [20, 40, 60, 100, 300, 400, 500, 600, 3660, 7300]
    escalate(stage, [*(("taken", one) for one in taken), ("nobody", 0), ("nobody", 0)])
    escalate(stage, [("stopped", 0), ("", 0)], first=50)
    escalate(stage, [("taken", 9)], first=60, days=31)
    escalate(stage, [("taken", 9)], first=70, portal="another")

    page = await posted(stage, page, view="journal")

    assert told in words_of(page.replace("</dt>", " ").replace("</dd>", " ").replace("</h2>", " "))
    page = await posted(stage, page, view="journal", before="1")
    assert told[:10] not in words_of(page)


def escalate(
    stage: Stage, ends: list[tuple[str, int]], first: int = 1, days: int = 1, portal: str = ""
) -> None:
    """Put escalations into the table as they are stored, each with how it ended and when."""
    begun = time.time() - days * 86_400
    rows = [
        {"number": number, "portal": portal or stage.portal.state.settings.member_id,
         "begun": begun, "ended": begun + 9_000 if how else None, "how": how or None,
         "chain": json.dumps({"taken": {"at": begun + seconds} if how == "taken" else None})}
        for number, (how, seconds) in enumerate(ends, first)
    ]  # fmt: skip
    with stage.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO escalations (command_id, member_id, requester_id, chat_id, event,"
                " chain, version, begun_at, until, due_at, ended_at, ended_as)"
                " VALUES (:number, :portal, 7, 8773, '{}', :chain, 0, :begun, :begun,"
                " :begun + 1e9, :ended, :how)"
            ),
            rows,
        )
