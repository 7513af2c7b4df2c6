"""What a handler may ask for by type, and how it is made for one command of one requester."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.bitrix24.access import Access
from bot.bitrix24.checkup import Checkups
from bot.bitrix24.crm import Crm
from bot.bitrix24.groups import Groups
from bot.bitrix24.notices import Notices
from bot.bitrix24.open_lines import OpenLines
from bot.bitrix24.patience import Patience
from bot.bitrix24.people import Users
from bot.bitrix24.requester import Requester
from bot.commands.arrivals import Arrivals
from bot.commands.past import Past
from bot.commands.people import People
from bot.commands.policy import Policy
from bot.commands.router import Router
from bot.commands.runner import Again, Workshop
from bot.commands.targets import Targets
from bot.diagnosis import Diagnosis
from bot.doctor import Doctor, PortalDoctor
from bot.figures import Figures
from bot.rendering import Wording
from bot.store.accepted import Accepted
from bot.store.history import History
from bot.store.journal import Journal
from bot.store.portal_settings import PortalSettingsStore
from bot.store.portals import Portal
from bot.store.preferences import Preferences
from bot.store.stays import Stays

Maker = Callable[[Portal, Accepted], Any]


@dataclass(frozen=True, slots=True)
class Memory:
    """What handlers work with besides the portal; the same for every command."""

    wording: Wording
    settings: PortalSettingsStore
    preferences: Preferences
    stays: Stays
    history: History


def collaborators(
    access: Access,
    journal: Journal,
    patience: Patience,
    router: Router,
    memory: Memory,
    doctor: Doctor,
    figures: Figures,
) -> Workshop:
    """Say how to make what handlers ask for by type. Raises ``TypeError`` for what nobody makes."""

    def requester(portal: Portal, command: Accepted) -> Requester:
        return Requester(access, journal, patience, portal, command, figures)

    def of_portal(type_: Callable[[Requester], Any]) -> Maker:
        return lambda portal, command: type_(requester(portal, command))

    def diagnosis(portal: Portal, command: Accepted) -> Diagnosis:
        return Diagnosis(requester(portal, command), command.reference)

    def arrivals(portal: Portal, command: Accepted) -> Arrivals:
        asks = requester(portal, command)
        lines, crm = OpenLines(asks), Crm(asks)
        return Arrivals(lines, crm, diagnosis(portal, command), memory.stays, command)

    makers: dict[type[Any], Maker] = {
        Again: lambda portal, command: None,  # the runner makes it
        Requester: requester,
        Router: lambda portal, command: router,
        OpenLines: of_portal(OpenLines),
        Users: of_portal(Users),
        Crm: of_portal(Crm),
        Groups: of_portal(Groups),
        Notices: of_portal(Notices),
        Checkups: of_portal(Checkups),
        PortalDoctor: lambda portal, command: PortalDoctor(doctor, portal),
        Targets: of_portal(lambda asks: Targets(OpenLines(asks))),
        People: of_portal(lambda asks: People(Users(asks), OpenLines(asks), Crm(asks))),
        Policy: of_portal(lambda asks: Policy(Users(asks), memory.settings)),
        Diagnosis: diagnosis,
        Arrivals: arrivals,
        Past: lambda portal, command: Past(memory.history, command),
        Stays: lambda portal, command: memory.stays,
        Preferences: lambda portal, command: memory.preferences,
        PortalSettingsStore: lambda portal, command: memory.settings,
        Wording: lambda portal, command: memory.wording,
    }
    for command in router.all:
        for name, type_ in command.takes.items():
            if type_ not in makers:
                raise TypeError(f"/{command.name} asks for {name}, which nobody makes")
    return lambda type_, portal, command: makers[type_](portal, command)
