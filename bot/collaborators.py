"""What a handler may ask for by type, and how it is made for one command of one requester."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, get_type_hints

from bot.bitrix24.checkup import Checkups
from bot.bitrix24.crm import Crm
from bot.bitrix24.groups import Groups
from bot.bitrix24.notices import Notices
from bot.bitrix24.open_lines import OpenLines
from bot.bitrix24.patience import Patience
from bot.bitrix24.people import Users
from bot.bitrix24.requester import Requester
from bot.bitrix24.timeline import Timeline
from bot.commands.arrivals import Arrivals
from bot.commands.chain import Chains
from bot.commands.departures import Departures
from bot.commands.past import Past
from bot.commands.people import People
from bot.commands.policy import Policy
from bot.commands.router import Router
from bot.commands.runner import Again, Workshop
from bot.commands.targets import Targets
from bot.commands.trail import Trails
from bot.diagnosis import Diagnosis
from bot.doctor import Doctor, PortalDoctor
from bot.figures import Figures
from bot.languages import Languages
from bot.rendering import Wording
from bot.store.escalations import Escalations
from bot.store.history import History
from bot.store.journal import Journal
from bot.store.portal_settings import PortalSettingsStore
from bot.store.preferences import Preferences
from bot.store.stays import Stays


@dataclass(frozen=True, slots=True)
class Memory:
    """What handlers work with besides the portal; the same for every command."""

    wording: Wording
    settings: PortalSettingsStore
    preferences: Preferences
    languages: Languages
    stays: Stays
    escalations: Escalations
    history: History


_Parts = Mapping[type[Any], Mapping[str, type[Any]]]

# What asks the portal as the requester: their token is proven on the way.
ASKING = {
    Requester, OpenLines, Users, Crm, Groups, Notices, Checkups, Targets, People, Policy, Arrivals,
    Departures, Chains, Timeline, Trails,
}  # fmt: skip


def collaborators(
    journal: Journal,
    patience: Patience,
    router: Router,
    memory: Memory,
    doctor: Doctor,
    figures: Figures,
) -> Workshop:
    """Say how to make what handlers ask for by type. Raises ``TypeError`` for what nobody makes."""
    kept = [getattr(memory, field.name) for field in fields(memory)]
    shared = {type(one): one for one in (journal, patience, router, doctor, figures, *kept)}
    makes: tuple[type[Any], ...] = (*ASKING, Diagnosis, Past, PortalDoctor)
    parts = {type_: get_type_hints(type_.__init__) for type_ in makes}
    for command in router.all:
        for name, type_ in command.takes.items():
            if type_ not in (*parts, *shared, Again):
                raise TypeError(f"/{command.name} asks for {name}, which nobody makes")
        if command.proven is None and not ASKING & set(command.takes.values()):
            raise TypeError(f"/{command.name} proves nobody: declare it proven=True, or False")
    return lambda given: _Made({**shared, **given}, parts)


class _Made(dict[type[Any], Any]):
    """What was made for one command, each once, with what its constructor asks for by type."""

    def __init__(self, given: Mapping[type[Any], Any], parts: _Parts) -> None:
        super().__init__(given)
        self._parts = parts

    def __missing__(self, type_: type[Any]) -> Any:
        parts = self._parts[type_].items()
        made = type_(**{name: self[part] for name, part in parts if name != "return"})
        self[type_] = made
        return made
