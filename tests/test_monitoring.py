"""What is watched, and what it is called: pages, dashboard and alerts against the figures."""

import json
import re

import pytest
from pages import ROOT, plain, read
from prometheus_client.parser import text_string_to_metric_families

from bot.figures import Ending, Figures, Reason, Received
from bot.store.figures import exposition

ALERTS = (ROOT / "deploy/prometheus-alerts.yml").read_text()


@pytest.mark.parametrize("name", ["docs/metrics.md", "docs/metrics.ru.md"])
def test_the_pages_name_every_figure_with_its_labels_and_their_values(name: str) -> None:
    listed = {
        plain(row[0]): (re.findall(r"`(\w+)`", row[1]), set(re.findall(r"`(\w+)`", row[2])))
        for row in rows(name, "switchboard_events_total")
    }

    assert {figure: labels for figure, (labels, _) in listed.items()} == declared()
    assert listed["switchboard_events_total"][1] == {one.value for one in Received}
    assert listed["switchboard_events_refused_total"][1] == {one.value for one in Reason}


def test_dashboard_and_alerts_ask_for_what_there_is() -> None:
    known, values = declared(), possible()

    for expression in [*alert_expressions(), *dashboard_expressions()]:
        assert "switchboard_" in expression
        for figure, matchers in re.findall(r"(switchboard_\w+)(?:\{(.*?)\})?", expression):
            labels = known[re.sub(r"_(bucket|count|sum)$", "", figure)]
            for label, wanted in re.findall(r'(\w+)!?=~?"(.*?)"', matchers):
                assert label in labels, expression
                assert set(wanted.split("|")) <= values[label], expression
        for label in re.findall(r"\bby \((.*?)\)", expression):
            used = set(label.split(", ")) - {"instance", "le"}
            assert used <= {one for labels in known.values() for one in labels}, expression


@pytest.mark.parametrize("name", ["docs/metrics.md", "docs/metrics.ru.md"])
def test_there_are_four_alerts_and_each_says_why(name: str) -> None:
    rules = ALERTS.split("- alert: ")[1:]
    names = [rule.partition("\n")[0] for rule in rules]

    assert len(rules) == 4
    assert [plain(row[0]) for row in rows(name, "SwitchboardDown")] == names
    for rule in rules:
        assert {"expr", "severity", "summary", "reason", "action"} <= set(
            re.findall(r"^ +(\w+):", rule, re.MULTILINE)
        )


def declared() -> dict[str, list[str]]:
    """Every figure that is exposed, with its labels."""
    figures = Figures(["invite"], ["failure"], ["batch"], [], ["taken"])
    figures.calls.add("batch", "ok")
    figures.refreshes.add("ok")
    exposed = exposition(figures, {}, {}, 0).decode()
    return {
        family.name + ("_total" if family.type == "counter" else ""): sorted(
            {label for sample in family.samples for label in sample.labels} - {"le"},
            key=[
                "command",
                "method",
                "outcome",
                "code",
                "result",
                "reason",
                "state",
                "change",
                "end",
            ].index,
        )
        for family in text_string_to_metric_families(exposed)
    }


def possible() -> dict[str, set[str]]:
    return {
        "result": {one.value for one in Received},
        "reason": {one.value for one in Reason},
        "outcome": {one.value for one in Ending},
        "state": {"ready", "person"},
        "code": {""},
    }


def alert_expressions() -> list[str]:
    blocks = re.findall(r"expr: (?:\|\n((?: {10}.*\n)+)|(.*)\n)", ALERTS)
    return [" ".join((block or line).split()) for block, line in blocks]


def dashboard_expressions() -> list[str]:
    panels = json.loads((ROOT / "deploy/grafana-dashboard.json").read_text())["panels"]
    return [target["expr"] for panel in panels for target in panel.get("targets", [])]


def rows(name: str, first: str) -> list[list[str]]:
    """The rows of the table that begins with this name."""
    tables = read(name).tables()
    return next(table for table in tables if plain(table[0][0]) == first)
