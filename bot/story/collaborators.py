"""What a handler may ask for by type, and how it is made for one command of one requester."""

from collections.abc import Iterable, Mapping
from typing import Any, get_type_hints

from bot.acting.crm import Crm
from bot.acting.groups import Groups
from bot.acting.open_lines import OpenLines
from bot.acting.requester import Requester
from bot.acting.users import Users
from bot.commands.answers import Answers
from bot.commands.arrivals import Arrivals
from bot.commands.chain import Chains
from bot.commands.departures import Departures
from bot.commands.diagnosis import Diagnosis
from bot.commands.needed import Needed
from bot.commands.past import Past
from bot.commands.people import People
from bot.commands.policy import Policy
from bot.commands.router import Command, Router
from bot.commands.runner import GIVEN, CollaboratorsFor
from bot.commands.targets import Targets
from bot.commands.trail import Trails
from bot.installing.doctor import PortalDoctor

# What asks the portal as the requester: their token is proven on the way.
ASKING = {
    Requester, OpenLines, Users, Crm, Groups, Targets, People, Policy, Arrivals,
    Departures, Needed, Chains, Trails,
}  # fmt: skip


# Types, and the types that their constructors ask for.
_Parts = Mapping[type[Any], list[type[Any]]]


def collaborators(router: Router, *kept: object) -> CollaboratorsFor:
    """Say how to make what handlers ask for by type, out of what is ``kept`` for every command.

    Raises ``TypeError`` for what nobody makes.
    """
    shared: dict[type[Any], Any] = {type(one): one for one in (router, *kept)}
    parts = {type_: _parts(type_) for type_ in (*ASKING, Answers, Diagnosis, Past, PortalDoctor)}
    for command in router.all:
        for name, type_ in command.takes.items():
            if type_ not in (*parts, *shared, *GIVEN):
                raise TypeError(f"/{command.name} asks for {name}, which nobody makes")
        if command.proven is None and not ASKING & set(command.takes.values()):
            raise TypeError(f"/{command.name} proves nobody: declare it proven=True, or False")
    recipes = {one.name: _recipe(one.takes.values(), parts) for one in router.all}

    def make(command: Command, given: Mapping[type[Any], Any]) -> dict[str, Any]:
        made = {**shared, **given}
        for type_, needed in recipes[command.name].items():
            made[type_] = type_(*map(made.__getitem__, needed))
        return {name: made[type_] for name, type_ in command.takes.items()}

    return make


def _parts(type_: type[Any]) -> list[type[Any]]:
    hints = get_type_hints(type_.__init__)
    return [part for name, part in hints.items() if name != "return"]


def _recipe(types: Iterable[type[Any]], parts: _Parts) -> _Parts:
    """Say what is to be made for these, each once, after what its constructor asks for."""
    recipe: dict[type[Any], list[type[Any]]] = {}
    for type_ in types:
        if type_ in parts:
            recipe |= {**_recipe(parts[type_], parts), type_: parts[type_]}
    return recipe
