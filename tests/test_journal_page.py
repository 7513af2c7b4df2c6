"""The journal on the app's page: read, filtered, taken away as a table."""

import re

import pytest
from app_page import address, opened, posted, rows_of, session_of
from sqlalchemy import text
from stage import OLGA, Stage

ADMIN = 1
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

    page = await posted(stage, page, view="journal", since="2030-01-01")
    assert "Ничего не найдено" in page
    page = await posted(stage, page, view="journal", until="nonsense", requester="' OR 1=1")
    assert len(rows_of(page)) == 50


async def test_the_journal_comes_as_a_table_that_runs_nothing(stage: Stage) -> None:
    fill_journal(stage, 3, code="=HYPERLINK(1)")
    _, page = await opened(stage, ADMIN)

    fields = {"session": session_of(page), "view": "csv"}
    async with stage.session.post(address(stage), data=fields) as response:
        table = await response.text("utf-8-sig")

    assert response.content_type == "text/csv"
    assert response.headers["Content-Disposition"].startswith("attachment")
    lines = table.strip().split("\r\n")
    assert lines[0].startswith("когда,кто,команда")
    assert len(lines) == 4
    assert all(",'=HYPERLINK(1)" in line or ",done," in line for line in lines[1:])
    assert ",=" not in table


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


async def test_stored_markup_stays_text(stage: Stage) -> None:
    fill_journal(stage, 2, code="<script>alert(1)</script>")
    _, page = await opened(stage, ADMIN)

    page = await posted(stage, page, view="journal", requester='"><img src=x onerror=alert(1)>')

    assert "<script>alert" not in page
    assert "<img" not in page


def fill_journal(stage: Stage, count: int, code: str = "ACCESS_DENIED") -> None:
    rows = [
        {"number": number, "code": code if number % 2 else None,
         "portal": stage.portal.state.settings.member_id}
        for number in range(count)
    ]  # fmt: skip
    with stage.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO journal (command_id, step, member_id, requester_id, chat, command,"
                " method, person_id, params, begun_at, answered_at, result, code)"
                " VALUES (:number + 1000, 0, :portal, 7, 'chat8773', 'invite', 'm', 12, '{}',"
                " 1790000000 + :number, 1790000001, 'null', :code)"
            ),
            rows,
        )
