"""What becomes of an escalation: it is taken, passed on, stopped, or nobody takes it."""

from collections.abc import Sequence

from bot.bitrix24.entities import Act, CrmItem, Offer, Person, Someone
from bot.bitrix24.events import CommandEvent
from bot.commands.answers import Answers
from bot.commands.chain import Chains, Progress
from bot.commands.errors import ButtonExpired
from bot.commands.needed import Needed
from bot.commands.outcomes import Outcome, Outcomes, Told
from bot.commands.past import Past
from bot.commands.policy import Round
from bot.commands.router import Arguments, Router
from bot.commands.runner import Again
from bot.commands.targets import Aimed
from bot.commands.trail import Trails
from bot.errors import Refusal
from bot.inbox.escalations import ADVANCE, LONGEST, Callee, Chain, Escalation, Skipped
from bot.portals.settings import PortalSettings
from bot.wording.rendering import Languages, Wording
from handlers.invite import Passed, TakenOn

router = Router()


class ChainArguments(Arguments):
    """Which escalation; ``due`` tells one look at it from another."""

    id: int
    due: float = 0.0


class Escalate(Aimed):
    """What ``/escalate`` takes."""

    number: int = 0
    people: tuple[Someone, ...] = ()
    dry: bool = False
    wait: int = 0
    lasting: int = 0
    reason: str = ""


class CallCard(Outcome):
    """Somebody is called, and learns by whom, what for, and how long it waits for them."""

    to: Person
    who: Person
    item: CrmItem
    chat_id: int
    reason: str
    wait: int


class NextCalled(Outcome):
    """The requester learns that ``who`` did not take it, and who was called then, as what."""

    who: Person | None
    declined: bool
    person: Person
    role: str
    skipped: tuple[Skipped, ...]
    item: CrmItem
    chat_id: int
    wait: int


class EscalationTaken(Outcome):
    """Somebody has taken it: one line in the chat, one to the requester."""

    person: Person
    seconds: int
    item: CrmItem
    chat_id: int
    here: bool

    @property
    def is_spare(self) -> bool:
        """The requester is told anyway."""
        return self.here


class NotNeeded(Outcome):
    """Somebody was called and is not needed any more: taken by ``person``, or stopped."""

    to: Person
    person: Person | None
    item: CrmItem
    chat_id: int
    left: bool


class NobodyTook(Outcome):
    """It has come to its end, and nobody has taken it; ``unasked`` could still be asked."""

    people: tuple[Person, ...]
    skipped: tuple[Skipped, ...]
    unasked: tuple[Person, ...]
    seconds: int
    item: CrmItem
    chat_id: int


class NobodyTookForAdministrator(Outcome):
    """An administrator learns of the same."""

    to: Person
    who: Person
    people: tuple[Person, ...]
    seconds: int
    item: CrmItem
    chat_id: int
    reason: str


class EscalationClosed(Outcome):
    """It has ended because its dialog has."""

    item: CrmItem
    chat_id: int


class EscalationStopped(Outcome):
    """Its requester has stopped it; ``remains``: somebody who came for it stays in the chat."""

    item: CrmItem
    chat_id: int
    remains: bool


class PassedOn(Outcome):
    """Somebody who was called cannot; ``who`` has asked."""

    who: Person


class EscalationOver(Refusal):
    """What was pressed comes too late: ``who`` has taken it, or it was stopped."""

    who: Person | None


def call_card(number: int, chain: Chain, person: Person) -> CallCard:
    """Make the private card for who is called."""
    return CallCard(
        to=person,
        who=chain.requester,
        item=chain.item,
        chat_id=chain.chat_id,
        reason=chain.reason,
        wait=chain.wait,
        offers=tuple(_offer(name, number) for name in ("take", "pass_on")),
    )


def stop_button(number: int) -> Offer:
    """Make the button by which the requester stops it."""
    return _offer("stop", number).model_copy(update={"independent": True})


def _offer(name: str, number: int) -> Offer:
    # As long as it may go on: somebody can take it late.
    return Offer(name=name, act=ChainArguments(id=number).act(name), life=LONGEST)


@router.button("take", proven=True)
async def take(args: ChainArguments, event: CommandEvent, *, answers: Answers) -> Outcomes:
    found = await answers.take(await _called(args, event, answers))
    chain, asker = found.chain, found.chain.requester
    callee = chain.callee(event.user.id)
    if callee is None:
        raise ButtonExpired
    if chain.taken and chain.taken.person.id == event.user.id:
        return Passed(who=asker)
    if chain.ended and chain.ended.how == "nobody":
        return [Passed(who=asker), TakenOn(to=asker, person=callee.person)]
    raise EscalationOver(chain.taken_by)


@router.button("pass_on", proven=True)
async def pass_on(args: ChainArguments, event: CommandEvent, *, answers: Answers) -> Outcomes:
    found = await answers.decline(await _called(args, event, answers))
    return PassedOn(who=found.chain.requester)


@router.button("stop", proven=True)
async def stop(
    args: ChainArguments, event: CommandEvent, *, answers: Answers, settings: PortalSettings
) -> Outcomes:
    found = await answers.find(args.id)
    if found is None or found.event.user.id != event.user.id:
        raise ButtonExpired
    chain = (await answers.stop(found)).chain
    if not chain.stopped:
        raise EscalationOver(chain.taken_by)
    joined = any(one.joined for one in chain.callees)
    remains = joined and settings.not_needed != "leave"
    return EscalationStopped(item=chain.item, chat_id=chain.chat_id, remains=remains)


@router.button(ADVANCE)
async def advance(
    args: ChainArguments,
    event: CommandEvent,
    *,
    answers: Answers,
    chains: Chains,
    needed: Needed,
    trails: Trails,
    wording: Wording,
    languages: Languages,
    past: Past,
    again: Again,
) -> Outcomes:
    found = await answers.find(args.id)
    if found is None:
        return []
    progress = await chains.advance(found, args.due)
    if progress is None:
        # Under the answer to its end there are buttons that have it done again.
        is_anew = found.chain.ended and past.pressed_of
        return await again.run(act=_anew(found.chain)) if is_anew else []
    escalation = progress.escalation
    if progress.called:
        return _next(escalation, progress.called, progress.round or Round())
    told = await _ended(progress, chains, needed)
    if not trails.are_wanted(escalation.chain):
        return told
    language = await languages.of_portal(event.member_id, event.language)
    words = _trail(escalation, language, wording)
    return [*told, *await trails.leave(escalation.chain, words)]


def _trail(escalation: Escalation, language: str, wording: Wording) -> str:
    chain = escalation.chain
    return wording.page(
        "trail.j2",
        language,
        requester=chain.requester,
        called=chain.called,
        taken_by=chain.taken_by,
        how=chain.how,
        seconds=round(escalation.seconds),
        reason=chain.reason,
    )


def _anew(chain: Chain) -> Act:
    """Make the act that begins an escalation once more as it was asked for."""
    args = Escalate(
        item=chain.item,
        chat_id=0 if chain.here else chain.chat_id,
        people=chain.named,
        yes=True,
        wait=chain.wait,
        lasting=chain.lasting,
        reason=chain.reason,
    )
    return args.act("escalate")


async def _ended(progress: Progress, chains: Chains, needed: Needed) -> list[Told]:
    """Tell everybody whom the end of an escalation concerns, and let go who is not needed."""
    escalation, chain = progress.escalation, progress.escalation.chain
    gone = await needed.release(escalation)
    chains.record(escalation)
    told: list[Told] = []
    if chain.how == "taken":
        told += _taken(escalation)
    elif chain.how == "nobody":
        told += await _nobody(escalation, chains)
    elif chain.ended and chain.ended.closed:
        told.append(EscalationClosed(item=chain.item, chat_id=chain.chat_id))
    free = await needed.free(escalation, chain.callees)
    return [*told, *progress.refusals, *not_needed(escalation, free, gone)]


def _next(escalation: Escalation, callee: Callee, found: Round) -> list[Told]:
    chain = escalation.chain
    # Whoever was called before may have been erased since.
    place = chain.callees.index(callee)
    before = chain.callees[place - 1] if place else None
    called = NextCalled(
        who=before.person if before else None,
        declined=before.declined if before else False,
        person=callee.person,
        role=callee.role,
        skipped=tuple(found.skipped),
        item=chain.item,
        chat_id=chain.chat_id,
        wait=chain.wait,
        offers=(stop_button(escalation.id),),
    )
    return [called, *found.refusals, call_card(escalation.id, chain, callee.person)]


def _taken(escalation: Escalation) -> list[Told]:
    chain = escalation.chain
    if chain.taken_by is None:
        return []
    return [
        EscalationTaken(
            person=chain.taken_by,
            seconds=round(escalation.seconds),
            item=chain.item,
            chat_id=chain.chat_id,
            here=here,
        )
        for here in ([True, False] if chain.here else [False])
    ]


async def _nobody(escalation: Escalation, chains: Chains) -> list[Told]:
    chain, seconds = escalation.chain, round(escalation.seconds)
    told: list[Told] = [
        NobodyTook(
            people=chain.called,
            skipped=chain.skipped,
            unasked=await chains.unasked(escalation),
            seconds=seconds,
            item=chain.item,
            chat_id=chain.chat_id,
        )
    ]
    administrator = chains.administrator(chain.ended)
    if administrator and administrator.id != escalation.event.user.id:
        told.append(
            NobodyTookForAdministrator(
                to=administrator,
                who=chain.requester,
                people=chain.called,
                seconds=seconds,
                item=chain.item,
                chat_id=chain.chat_id,
                reason=chain.reason,
            )
        )
    return told


def not_needed(
    escalation: Escalation, free: Sequence[Person], gone: Sequence[Person]
) -> list[NotNeeded]:
    """Tell those who are free to go that it has ended without them; ``gone`` have left."""
    chain, left = escalation.chain, {one.id for one in gone}
    if chain.how == "nobody":
        return []
    # Of what is undone, whoever has taken it is not needed either.
    taker = chain.taken_by if chain.how == "taken" else None
    return [
        NotNeeded(
            to=one.person,
            person=taker,
            item=chain.item,
            chat_id=chain.chat_id,
            left=one.person.id in left,
        )
        for one in chain.callees
        if one.person in free and one.person != taker and not one.declined
    ]


def let_go(escalation: Escalation, gone: Sequence[Person]) -> list[NotNeeded]:
    """Tell those who leave after its end, unless its end has told them that they may."""
    chain = escalation.chain
    may = [one.person for one in chain.callees if one.declined]
    return [
        NotNeeded(to=one, person=None, item=chain.item, chat_id=chain.chat_id, left=True)
        for one in gone
        if one == chain.taken_by or (chain.how == "nobody" and one not in may)
    ]


async def _called(args: ChainArguments, event: CommandEvent, answers: Answers) -> Escalation:
    found = await answers.find(args.id)
    if found is None or found.chain.callee(event.user.id) is None:
        raise ButtonExpired
    return found
