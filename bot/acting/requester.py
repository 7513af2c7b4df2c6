"""Changing calls as the requester, each made once, whatever happens to the process.

A call is in the journal before it is made. Where a call is found begun and unanswered, the
portal is looked at first: what is there already is not asked for again.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import InitVar, dataclass, field, replace
from functools import partial
from itertools import count
from typing import Any

from bot.acting.journal import Answered, Journal, Recorded, Step
from bot.bitrix24 import batch
from bot.bitrix24.calls import Call
from bot.bitrix24.entities import Person
from bot.bitrix24.errors import Bitrix24Error, NoPermission, NotTheirs, Refused, Unanswered
from bot.bitrix24.numerals import listed, read_number
from bot.bitrix24.retry import NOT_HAPPENED, NOT_KNOWN, Retry
from bot.bitrix24.rows import PAGE
from bot.figures import Figures
from bot.inbox.accepted import Accepted
from bot.portals.actor import Actor

# What is asked in one request before the steps, and, where it is asked for, after them.
LOOK, AFTER = "look", "after"

# Whether in the chat or not, somebody who is dismissed is told of as such.
INACTIVE = "CRM_CHAT_USER_NOT_ACTIVE"

IsDone = Callable[[Any, Step], bool | None]


def nobody_knows(_found: Any, _step: Step) -> None:
    """Say nothing of a step: what the portal shows does not tell whether it is done."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What came of some steps, by their numbers, and what was seen in the same request.

    ``seen`` is empty where nothing had to be sent any more. ``alone``: they were in a request of
    their own, as far as is known. ``doubted``: those that may have been made before.
    """

    answers: Mapping[int, Answered]
    seen: Mapping[str, Any]
    alone: bool
    doubted: frozenset[int]


@dataclass(eq=False, slots=True)
class Requester:
    """The portal as the requester of one command sees and changes it."""

    _actor: Actor
    _journal: Journal
    _retry: Retry
    _command: Accepted
    _figures: Figures
    # Whether the journal has steps of this command, from earlier or by now.
    _has_begun: bool = field(default=False, init=False)

    @property
    def person(self) -> Person:
        """Who they are, by the name that the portal has confirmed, if it has."""
        return self._actor.person

    async def ask(self, call: Call) -> Any:
        """Make a call that changes nothing, again and again if need be."""
        return await self._retry.call(NOT_KNOWN, lambda: self._actor.call(call))

    async def ask_all(self, calls: Mapping[str, Call]) -> dict[str, Any | Bitrix24Error]:
        """Make calls that change nothing, in one request; an error stands in for a result."""
        return await self._retry.call(NOT_KNOWN, lambda: self._ask_all(calls))

    async def ask_on(self, call: Call, answer: Any, most: int) -> list[Any]:
        """Give the rows of a list's first page and those of its further ones, so many at most.

        Raises the error that stands in the answer's place.
        """
        found = listed(batch.result_of(answer))
        while found and len(found) % PAGE == 0 and len(found) < most:
            params = {**call.params, "start": len(found)}
            more = listed(await self.ask(replace(call, params=params)))
            if not more or more[0] in found:
                break
            found = [*found, *more]
        return found

    async def _ask_all(self, calls: Mapping[str, Call]) -> dict[str, Any | Bitrix24Error]:
        results: batch.Results = await self._actor.call(batch.build(calls))
        for result in results.values():
            if isinstance(result, NOT_HAPPENED):
                raise result
        return results

    async def change(
        self,
        steps: Sequence[Step],
        look: Call,
        is_done: IsDone = nobody_knows,
        also: Mapping[str, Call] | None = None,
        *,
        alone: bool = False,
    ) -> Changes:
        """Make these calls in one request, and each of them once.

        ``alone``: no other command's calls are to be in that request.

        ``look`` is asked in the same request, before them: with its result ``is_done`` says
        whether the portal is already as the step wants it (``None``: it does not show). Every
        answer tells by ``changed`` whether the step made a difference. ``also`` is asked after
        them, in the same request; its results are among what was ``seen``.
        Raises ``NoPermission``; ``NotTheirs``; ``Refused`` where the portal takes none of it;
        ``Busy``, ``Unreachable`` and ``Unanswered`` when retrying has come to nothing.
        """
        has_begun, self._has_begun = self._has_begun or self._command.repeated, True
        recorded = await self._journal.of(self._command) if has_begun else []
        numbered = _numbered(steps, recorded) if recorded else list(steps)
        work = _Work(numbered, also or {}, recorded, alone)
        try:
            attempt = partial(self._attempt, work, look, is_done)
            await self._retry.call(NOT_KNOWN, attempt)
        except NotTheirs as error:
            await self._journal.acted(self._command, error.owner)
            raise
        pairs = list(zip(steps, numbered, strict=True))
        answers = {one.number: work.answers[known.number] for one, known in pairs}
        doubted = frozenset(one.number for one, known in pairs if known.number in work.doubted)
        return Changes(answers, work.seen, work.was_alone, doubted)

    async def change_one(self, step: Step, look: Call, is_done: IsDone = nobody_knows) -> Answered:
        """Make one call, once. Raises as ``change``; ``Refused`` where the portal refuses it."""
        answer = (await self.change([step], look, is_done)).answers[step.number]
        if refused := answer.refused:
            raise refused
        return answer

    async def forget_refusal(self, step: Step) -> None:
        """Let a call that was refused be made once more; the journal keeps its refusal."""
        await self._journal.set_aside(self._command, step)

    async def _settle(self, work: "_Work", look: Call, is_done: IsDone) -> None:
        """See what has come of the steps that were begun and not answered."""
        seen = await self._actor.call(look)
        done = [(step, Answered(changed=True)) for step in work.doubtful if is_done(seen, step)]
        self._journal.answer(self._command, done)
        work.settle(done)

    async def _attempt(self, work: "_Work", look: Call, is_done: IsDone) -> None:
        """Make what is left to do, in one request."""
        if work.doubtful:
            await self._settle(work, look, is_done)
        todo = work.todo
        if not todo:
            return
        if new := [step for step in todo.values() if step.number not in work.begun]:
            await self._journal.begin(self._command, new)
            work.begun.update(step.number for step in new)
        changing = {name: Call(one.method, one.sent or one.params) for name, one in todo.items()}
        calls = {LOOK: look, **changing, **work.also}
        try:
            results = await self._actor.call(batch.build(calls, alone=work.alone))
        except Unanswered:
            work.doubt(list(todo.values()))
            raise
        except (NoPermission, NotTheirs) as error:
            if isinstance(error, NotTheirs) and error.result is not None:
                self._note(work, todo, error.result, is_done)
            else:
                # Nothing was called: whoever takes the command up later has nothing to look for.
                await self._journal.withdraw(self._command, new)
            raise
        self._note(work, todo, results, is_done)
        for name in todo:
            if isinstance(results[name], NOT_KNOWN):
                raise results[name]

    def _note(
        self, work: "_Work", todo: Mapping[str, Step], results: batch.Results, is_done: IsDone
    ) -> None:
        """Note what a request came to."""
        self._figures.to_action.observe(max(0.0, time.time() - self._command.since))
        came = [(step, results[name]) for name, step in todo.items()]
        work.doubt([step for step, result in came if isinstance(result, Unanswered)])
        told = [
            (step, _answer(step, result, results, is_done, step.number in work.doubted))
            for step, result in came
            if not isinstance(result, NOT_KNOWN)
        ]
        self._journal.answer(self._command, told)
        work.was_alone = not isinstance(results, batch.Merged)
        work.answers.update({step.number: answer for step, answer in told})
        work.seen = {name: results[name] for name in (LOOK, *work.also)}


@dataclass(eq=False)
class _Work:
    """What is left of some steps: to do, in doubt, answered."""

    _steps: Sequence[Step]
    also: Mapping[str, Call]
    recorded: InitVar[Sequence[Recorded]]
    alone: bool

    def __post_init__(self, recorded: Sequence[Recorded]) -> None:
        self.was_alone = False
        self.seen: dict[str, Any] = {}
        answers = {step.number: answer for step, answer in recorded}
        self.begun = set(answers)
        self.doubted = {number for number, answer in answers.items() if answer is None}
        self.answers = {n: answer for n, answer in answers.items() if answer is not None}
        self._doubtful = set(self.doubted)

    @property
    def doubtful(self) -> list[Step]:
        return [step for step in self._steps if step.number in self._doubtful]

    @property
    def todo(self) -> dict[str, Step]:
        """What is to be called, by name: one of digits alone would make PHP answer with a list."""
        todo = [step for step in self._steps if step.number not in self.answers]
        return {f"step{step.number}": step for step in todo}

    def doubt(self, steps: Sequence[Step]) -> None:
        self._doubtful.update(step.number for step in steps)
        self.doubted |= self._doubtful

    def settle(self, done: Sequence[tuple[Step, Answered]]) -> None:
        self.answers.update({step.number: answer for step, answer in done})
        self._doubtful.clear()


def _numbered(steps: Sequence[Step], recorded: Sequence[Recorded]) -> list[Step]:
    """Give each step the number that the journal has the same call under, or one that is free.

    A command may be carried on long after it was begun, and mean other people by then.
    """
    taken = {step.number: step for step, _answer in recorded}
    free = count(1 + max((*taken, *(step.number for step in steps)), default=0))
    known = [next((n for n, one in taken.items() if _is_same(one, step)), None) for step in steps]
    return [
        step if number is None and step.number not in taken
        else replace(step, number=next(free) if number is None else number)
        for step, number in zip(steps, known, strict=True)
    ]  # fmt: skip


def _is_same(recorded: Step, step: Step) -> bool:
    # The journal holds the parameters as JSON, in which some values look alike.
    params = json.loads(json.dumps(step.params))
    call = (step.method, step.person_id, params)
    return (recorded.method, recorded.person_id, recorded.params) == call


def _answer(
    step: Step, result: Any, results: batch.Results, is_done: IsDone, was_doubted: bool
) -> Answered:
    was_done = is_done(results[LOOK], step)
    # What we had begun before and find done now is our own doing.
    if isinstance(result, Refused) and was_done and (was_doubted or result.code != INACTIVE):
        return Answered(changed=was_doubted)
    if isinstance(result, Refused):
        return Answered(result.description, result.code, result.status, changed=False)
    # A result of another shape tells nothing: only what the portal shows afterwards does.
    if read_number(result) is None and not is_done(results.get(AFTER), step):
        return Answered(result)
    return Answered(
        result, changed=True if was_doubted else None if was_done is None else not was_done
    )
