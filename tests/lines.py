"""What is read from lines in the tests of the grammar."""

from bot.bitrix24.entities import CrmItem, Person
from bot.commands import grammar

IVAN = Person(id=12, name="Иван Петров")
DEAL = CrmItem(type="deal", id=288)
GROUP = {"group", "people", "reason", "dry"}
ESCALATE = grammar.EVERYTHING | {"number"}
ALL = ESCALATE | {"group"}
LINK = "https://portal.example"
M = "[USER=12]Иван Петров[/USER]"
