"""What chaos came to: is every promise kept?"""

import dataclasses
import json
from collections import Counter

from crowd import CHATS
from hosting import Router
from stage import ADD, ANNA, OLGA

from sandbox.server import Portal
from sandbox.state import State

# What the requester is told of a command that is set aside.
TOLD = "дважды остановила бота"
# What they are told of one that nothing has proven yet: it waits for their word.
ASKED = "пришла команда /invite. Битрикс24 не подтвердил"

# Whom an escalation names, ten numbers for each, and how its end is told.
CALLED, IN_CHAIN = 40_000, 3
TOLD_END = ("Эскалация принята", "Никто не взял вопрос", "больше никого бот не зовёт")


@dataclasses.dataclass
class Report:
    """What the run came to; ``wrong`` is empty if every promise was kept."""

    seed: int
    typed: int = 0
    taken: int = 0
    killed: int = 0
    stopped: int = 0
    faults: int = 0
    answered_again: int = 0
    set_aside: int = 0
    chains: int = 0
    ended: Counter[str] = dataclasses.field(default_factory=Counter)
    seconds: float = 0.0
    wrong: list[str] = dataclasses.field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"seed {self.seed}: {self.typed} typed, {self.taken} got their 200; {self.killed} "
            f"processes killed, database stopped {self.stopped} times, {self.faults} faults of "
            f"the portal; {self.answered_again} answered again, {self.set_aside} set aside; "
            f"{self.chains} escalations: {dict(self.ended)}; "
            f"{self.seconds:.0f} s; "
            f"{len(self.wrong)} wrong"
        )


def judge_chains(
    portal: Portal,
    router: Router,
    report: Report,
    aside: set[int],
    rows: list[tuple[str, str | None]],
) -> None:
    """Each escalation that was taken has ended once, and has called nobody twice."""
    state = portal.state
    joined = Counter(one["user_id"] for one in portal.state.journal.memberships if one["joined"])
    talk = state.private_chat(456, ANNA)
    told = [one.text for one in talk.messages if one.author_id == 456] if talk else []
    found = {json.loads(chain)["named"][0]["id"]: (json.loads(chain), how) for chain, how in rows}
    report.ended = Counter(how or "running" for _chain, how in rows)
    typed = {
        int(message.text.split()[1].removeprefix("id")): message.id
        for number in CHATS
        for message in state.chats[number].messages
        if message.text.startswith("/escalate")
    }
    if len(rows) != len(found):
        report.wrong.append("an escalation was begun twice")
    for first, message_id in typed.items():
        people = range(first, first + IN_CHAIN)
        chain, how = found.get(first, (None, None))
        if chain is None and (message_id in aside or message_id not in router.taken):
            continue
        if how not in ("taken", "nobody"):
            report.wrong.append(f"the escalation of {first} came to {how}")
            continue
        assert chain is not None
        callees = [one["person"]["id"] for one in chain["callees"]]
        if len(callees) != len(set(callees)) or any(joined[one] > 1 for one in people):
            report.wrong.append(f"the escalation of {first} called somebody twice: {callees}")
        missing = [one for one in callees if not joined[one]]
        if missing or callees != list(people)[: len(callees)]:
            report.wrong.append(f"the escalation of {first} called {callees}, {missing} not in")
        mentions = [f"[USER={one}]" for one in people]
        ends = [
            one
            for one in told
            if any(words in one for words in TOLD_END) and any(who in one for who in mentions)
        ]
        # What may have been lost is said once more.
        if not 1 <= len(ends) <= 2 and message_id not in aside:
            report.wrong.append(f"the end of the escalation of {first} was told {len(ends)} times")
        for one in callees:
            chat = state.private_chat(456, one)
            cards = [line for line in chat.messages if line.keyboard] if chat else []
            if not 1 <= len(cards) <= 2 and message_id not in aside:
                report.wrong.append(f"{one} got {len(cards)} cards")


def judge(portal: Portal, router: Router, report: Report, aside: set[int], asked: set[int]) -> None:
    """Each command that got its 200 was carried out once, and answered.

    Or it was set ``aside``, or its requester is ``asked`` whether they mean it.
    """
    journal, state = portal.state.journal, portal.state
    joined = Counter(row["user_id"] for row in journal.memberships if row["joined"])
    in_chats, privately = (_said(state, system=system) for system in (True, False))
    typed = {
        message.id: int(message.text.partition("id")[2])
        for number in CHATS
        for message in state.chats[number].messages
        if message.text.startswith("/invite id")
    }
    report.taken = len(router.taken)
    report.set_aside = len(aside)
    # A kill can hit what is being watched, and then it looks as if that had been the reason.
    if privately.count(TOLD) < len(aside) or len(aside) > report.killed + report.stopped + 3:
        report.wrong.append(f"{len(aside)} commands set aside, {privately.count(TOLD)} told so")
    if 15 in portal.state.groups[15].invited:
        report.wrong.append("the command that ends processes was carried out")
    if (asked & typed.keys() and ASKED not in privately) or len(asked) > 3:
        report.wrong.append(f"{len(asked)} commands wait for a word, {privately.count(ASKED)} told")
    for message_id in (aside | asked) & typed.keys():
        if joined[typed[message_id]] > 1:
            report.wrong.append(f"person {typed[message_id]} joined more than once")
    for message_id in sorted((router.taken & typed.keys()) - aside - asked):
        person = typed[message_id]
        mention = f"[USER={person}]"
        answers = in_chats.count(mention) + privately.count(mention)
        report.answered_again += answers > 1
        if joined[person] != 1:
            report.wrong.append(f"person {person} joined {joined[person]} times")
        # Where two processes died over the same answer, a third one tells the requester alone.
        if not answers or in_chats.count(mention) > 2 or privately.count(mention) > 2:
            report.wrong.append(f"the command for {person} was answered {answers} times")
    for call in journal.call_rows():
        person = int(call["params"].get("USER_ID") or 0)
        whose = ANNA if person >= CALLED else OLGA
        if call["method"].lower() == ADD and call["user_id"] not in (whose, None):
            report.wrong.append(f"a change was made with the token of {call['user_id']}")


def _said(state: State, *, system: bool) -> str:
    """Put together what the bot has said: within the chats, or privately."""
    return "\n".join(
        message.text
        for chat in state.chats.values()
        for message in chat.messages
        if message.system == system and (system or message.author_id == 456)
    )
