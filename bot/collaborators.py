"""What a handler may ask for by type, and how it is made for one command of one requester."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.bitrix24.checkup import Checkups
from bot.bitrix24.crm import Crm
from bot.bitrix24.groups import Groups
from bot.bitrix24.notices import Notices
from bot.bitrix24.open_lines import OpenLines
from bot.bitrix24.patience import Patience
from bot.bitrix24.people import Users
from bot.bitrix24.requester import Requester
from bot.commands.arrivals import Arrivals
from bot.commands.departures import Departures
from bot.commands.past import Past
from bot.commands.people import People
from bot.commands.policy import Policy
from bot.commands.router import Router
from bot.commands.runner import Again, Context, Workshop
from bot.commands.targets import Targets
from bot.diagnosis import Diagnosis
from bot.doctor import Doctor, PortalDoctor
from bot.figures import Figures
from bot.languages import Languages
from bot.rendering import Wording
from bot.store.history import History
from bot.store.journal import Journal
from bot.store.portal_settings import PortalSettingsStore
from bot.store.preferences import Preferences
from bot.store.stays import Stays

Maker = Callable[[Context], Any]


@dataclass(frozen=True, slots=True)
class Memory:
    """What handlers work with besides the portal; the same for every command."""

    wording: Wording
    settings: PortalSettingsStore
    preferences: Preferences
    languages: Languages
    stays: Stays
    history: History


def collaborators(
    journal: Journal,
    patience: Patience,
    router: Router,
    memory: Memory,
    doctor: Doctor,
    figures: Figures,
) -> Workshop:
    """Say how to make what handlers ask for by type. Raises ``TypeError`` for what nobody makes."""

    def requester(context: Context) -> Requester:
        return Requester(context.actor, journal, patience, context.command, figures)

    def of_portal(type_: Callable[[Requester], Any]) -> Maker:
        return lambda context: type_(requester(context))

    def diagnosis(context: Context) -> Diagnosis:
        return Diagnosis(requester(context), context.command.reference)

    def arrivals(context: Context) -> Arrivals:
        asks = requester(context)
        lines, crm = OpenLines(asks), Crm(asks)
        told = diagnosis(context)
        return Arrivals(asks, lines, crm, told, memory.stays, memory.settings, context.command)

    def departures(context: Context) -> Departures:
        lines = OpenLines(requester(context))
        return Departures(lines, memory.history, diagnosis(context), context.command)

    # What asks the portal as the requester: their token is proven on the way.
    asking: dict[type[Any], Maker] = {
        Requester: requester,
        OpenLines: of_portal(OpenLines),
        Users: of_portal(Users),
        Crm: of_portal(Crm),
        Groups: of_portal(Groups),
        Notices: of_portal(Notices),
        Checkups: of_portal(Checkups),
        Targets: of_portal(lambda asks: Targets(OpenLines(asks))),
        People: of_portal(lambda asks: People(Users(asks), OpenLines(asks), Crm(asks))),
        Policy: of_portal(lambda asks: Policy(Users(asks), memory.settings)),
        Arrivals: arrivals,
        Departures: departures,
    }
    makers: dict[type[Any], Maker] = {
        **asking,
        Again: lambda context: None,  # the runner makes it
        Router: lambda context: router,
        PortalDoctor: lambda context: PortalDoctor(doctor, context.portal),
        Diagnosis: diagnosis,
        Past: lambda context: Past(memory.history, context.command),
        Stays: lambda context: memory.stays,
        Preferences: lambda context: memory.preferences,
        Languages: lambda context: memory.languages,
        PortalSettingsStore: lambda context: memory.settings,
        Wording: lambda context: memory.wording,
    }
    for command in router.all:
        for name, type_ in command.takes.items():
            if type_ not in makers:
                raise TypeError(f"/{command.name} asks for {name}, which nobody makes")
        if command.proven is None and not asking.keys() & set(command.takes.values()):
            raise TypeError(f"/{command.name} proves nobody: declare it proven=True, or False")
    return lambda type_, context: makers[type_](context)
