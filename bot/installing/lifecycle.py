"""What becomes of a portal after its installation: new versions, losses, and the end.

Whoever knows the application token can post such an event, and every employee can know it. So
what it says is noted, answered 200, and then the portal or the authorization server is asked.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from cachetools import TTLCache
from pydantic import SecretStr

from bot.bitrix24.bots import bot_call
from bot.bitrix24.calls import Call
from bot.bitrix24.envelope import Envelope
from bot.bitrix24.errors import Bitrix24Error, NoPermission, Refused, Renamed
from bot.bitrix24.oauth import APP_UNKNOWN
from bot.bitrix24.ownership import ADMIN, PROFILE, read_owner_id
from bot.bitrix24.token_pair import TokenPair
from bot.errors import StoreUnavailable
from bot.figures import Change, Figures
from bot.installing.declared import REMOVED, UNINSTALL, UPDATE
from bot.installing.installation import Installation, Unproven
from bot.installing.registration import Registration
from bot.portals.access import Access
from bot.portals.portals import Portal, Portals, TokenTaken
from bot.portals.proof import Proof
from bot.portals.tokens import Tokens
from bot.wording.rendering import Languages, Wording

log = logging.getLogger(__name__)

# Nobody looks at a page for ten minutes.
REPAIR_PATIENCE = 60.0

# A portal is asked no more often, whatever is posted in its name.
ASK_EVERY = 60.0

# So many pairs that came with updates are asked about at once, of one portal: anybody can make
# them up. An administrator whose pair is passed over is heard at the app's page.
ABREAST = 4

# So many people's tokens must be dead before an app counts as removed.
WITNESSES = 5

# What the trouble of a portal is called whose bot somebody has deleted.
BOT_LOST = "bot_lost"

KINDS = {UNINSTALL: "removed", UPDATE: "updated", REMOVED: BOT_LOST}


@dataclass(eq=False)
class Lifecycle:
    """Hears of what happens to the app in a portal, and looks whether it is so."""

    _installation: Installation
    _registration: Registration
    _access: Access
    _proof: Proof
    _portals: Portals
    _tokens: Tokens
    _languages: Languages
    _wording: Wording
    _figures: Figures

    def __post_init__(self) -> None:
        # Whose tokens came with updates and were looked at; the administrators' are kept a while.
        self._considered: TTLCache[tuple[str, int], bool] = TTLCache(maxsize=10_000, ttl=ASK_EVERY)
        self._heirs: TTLCache[str, tuple[TokenPair, int]] = TTLCache(maxsize=1_000, ttl=ASK_EVERY)
        self._asked: TTLCache[str, bool] = TTLCache(maxsize=10_000, ttl=ASK_EVERY)
        self._considering: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Tell portals of this version of the bot; at the end stop whatever has been begun.

        What is not done then is left to the next process.
        """
        self._begin(self._registration.bring_all_up_to_date(), "all portals")
        try:
            yield
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def reintroduced(self, envelope: Envelope) -> Portal | None:
        """Give the portal of an update whose application token nobody knows yet, if it proves.

        The token may be a new one (page: on-app-update.md), so that the old proves nothing:
        the pair that comes along has to, as at the installation.
        """
        if envelope.event != UPDATE or not envelope.auth.member_id:
            return None
        if not await self._portals.was_here(envelope.auth.member_id):
            return None
        try:
            portal = await self._installation.admit(envelope.auth)
            await self._update(portal)
            return portal
        except Unproven as error:
            log.warning("an update is refused: %s", error)
            return None
        except Bitrix24Error:
            raise StoreUnavailable("nobody could be asked about an update") from None

    async def hear(self, envelope: Envelope, portal: Portal) -> bool:
        """Note what an event says of its portal; ``False`` if it is of another kind."""
        kind = KINDS.get(envelope.event)
        if kind is None:
            return False
        # Stored first: if this process dies, another one looks whether it is so.
        if portal.said != KINDS[UNINSTALL]:
            await self._portals.hear(portal.member_id, kind)
        pair, under_way = envelope.auth.pair, self._considering[portal.member_id]
        if pair and pair.refresh and kind == KINDS[UPDATE] and under_way < ABREAST:
            self._considering[portal.member_id] += 1
            self._begin(self._consider_in_turn(portal, pair), portal.member_id)
        self._look(portal.member_id)
        return True

    def learn(self, envelope: Envelope, portal: Portal) -> None:
        """Have an event tell the application token of a portal whose pages have told none.

        It is kept once the bot's own token, which comes along, proves that the portal has sent
        the event. Raises ``MalformedEvent``.
        """
        name, pair = f"application token of {portal.member_id}", envelope.bot_auth().pair
        is_begun = any(task.get_name() == f"lifecycle of {name}" for task in self._tasks)
        if pair and not is_begun:
            self._begin(self._learn(portal, envelope.auth.application_token, pair), name)

    async def _learn(self, portal: Portal, token: SecretStr, pair: TokenPair) -> None:
        if not await self._proof.is_bots(portal, pair):
            log.warning("portal %s: an event whose bot's token is not the bot's", portal.member_id)
            return
        try:
            await self._portals.learn(portal, token)
        except TokenTaken:
            log.error("portal %s tells another portal's application token", portal.member_id)

    def adopt(self, portal: Portal, administrator: int) -> None:
        """Have an administrator at the app's page stand in for an installer whose token is dead.

        The page does not wait for what others say of the installer.
        """
        if portal.installer_id != administrator:
            self._begin(self._adopt(portal, administrator), portal.member_id)

    async def _adopt(self, portal: Portal, administrator: int) -> None:
        if await self._works(portal, portal.installer_id) is not False:
            return
        await self._portals.installed_by(portal.member_id, administrator)
        log.info("portal %s has another installer", portal.member_id)
        await self._update(portal)

    async def repair(self, portal: Portal, administrator: int) -> Portal:
        """Register everything anew, as this administrator. Raises ``Bitrix24Error``."""
        await self._portals.installed_by(portal.member_id, administrator)
        acting = replace(portal, installer_id=administrator)
        async with asyncio.timeout(REPAIR_PATIENCE):
            async for stage in self._registration.stages(acting):
                log.info("portal %s: %s", portal.member_id, stage)
        return await self._portals.fresh(portal.member_id) or portal

    async def _consider_in_turn(self, portal: Portal, pair: TokenPair) -> None:
        try:
            await self._consider(portal, pair)
        finally:
            self._considering[portal.member_id] -= 1
            if not self._considering[portal.member_id]:
                del self._considering[portal.member_id]

    async def _consider(self, portal: Portal, pair: TokenPair) -> None:
        """Keep the tokens that came with an update if they are an administrator's.

        The authorization server says whose they are; the portal is asked once a while of each.
        """
        renewed = await self._access.renew(portal, pair)
        if renewed is None or (portal.member_id, renewed[1].id) in self._considered:
            return
        fresh, owner = renewed
        self._considered[portal.member_id, owner.id] = True
        if await self._is_admin(portal, fresh):
            self._heirs[portal.member_id] = fresh, owner.id
            self._asked.pop(portal.member_id, None)
            self._look(portal.member_id)

    async def look(self) -> None:
        """Look after what was said and could not be confirmed, or while nobody was here."""
        for portal in await self._portals.said_of():
            self._look(portal.member_id)

    def _look(self, member_id: str) -> None:
        if member_id not in self._asked:
            self._asked[member_id] = True
            self._begin(self._confirm(member_id), member_id)

    async def _confirm(self, member_id: str) -> None:
        """Ask whether it is so, and draw the consequences."""
        portal = await self._portals.fresh(member_id)
        is_inherited = member_id in self._heirs
        # That nobody was left may have been found out before there was somebody.
        if portal is None or not (portal.said or is_inherited):
            return
        # Whose tokens are good proves that the app is there.
        has_app = None if is_inherited else await self._has_app(portal)
        if has_app:
            await self._stays(portal)
        elif has_app is False and portal.said == KINDS[UNINSTALL]:
            await self._leave(portal)
        else:
            await self._adopt_from(portal)

    async def _has_app(self, portal: Portal) -> bool | None:
        """Say whether the portal takes the token of anybody whom the app has. Asks a few.

        ``None`` where nobody can tell.
        """
        people = [portal.installer_id, portal.bot_id or 0]
        people += await self._tokens.some(portal.member_id, WITNESSES)
        told = [await self._works(portal, one) for one in dict.fromkeys(people)
                if await self._tokens.find(portal.member_id, one)]  # fmt: skip
        if any(told):
            return True
        return False if told and None not in told else None

    async def _works(self, portal: Portal, user_id: int) -> bool | None:
        """Say whether a person's stored token is good at the portal; ``None``: it does not tell.

        Raises ``Bitrix24Error`` where nobody can be asked.
        """
        try:
            profile = await self._access.call(portal, user_id, PROFILE)
        except (NoPermission, Renamed):
            return False
        except Refused as refused:
            # An authorization server says so of an app that nobody has installed, too.
            is_unknown = refused.code == APP_UNKNOWN
            return False if is_unknown and await self._is_lost(portal, user_id) else None
        # Who is dismissed gets an empty answer.
        return read_owner_id(profile) == user_id

    async def _is_lost(self, portal: Portal, user_id: int) -> bool:
        """Say whether the portal itself does not know a person's stored token."""
        kept = await self._tokens.find(portal.member_id, user_id)
        if kept is None:
            return False
        try:
            await self._access.with_pair(portal, kept.pair, PROFILE)
        except Refused:
            return False
        except NoPermission:
            return True
        return False

    async def _stays(self, portal: Portal) -> None:
        """Mend what the portal has lost that has the app still."""
        if portal.said == KINDS[UNINSTALL]:
            log.warning("portal %s was said to have removed the app, and has not", portal.member_id)
            self._figures.changes.add(Change.KEPT)
        if await self._works(portal, portal.installer_id) is False:
            await self._adopt_from(portal)
            portal = await self._portals.fresh(portal.member_id) or portal
        if await self._has_lost_bot(portal):
            await self._mourn(portal)
        elif not await self._registration.stands(portal):
            self._figures.changes.add(Change.UPDATED)
            await self._update(portal)
        await self._portals.heard(portal.member_id, portal.said)

    async def _has_lost_bot(self, portal: Portal) -> bool:
        call = bot_call(portal.bot_id or 0)
        try:
            await self._access.call(portal, portal.installer_id, call)
        except Refused as refused:
            return refused.code == "BOT_NOT_FOUND"
        return False

    async def _mourn(self, portal: Portal) -> None:
        """Say once that somebody has deleted the bot: an administrator may want it back, or not."""
        if portal.trouble == BOT_LOST:
            return
        log.warning("portal %s has no bot any more", portal.member_id)
        self._figures.changes.add(Change.BOT_LOST)
        await self._portals.troubled(portal.member_id, BOT_LOST)
        language = await self._languages.of(portal.member_id, portal.installer_id)
        text = self._wording.page("bot_lost.j2", language)
        notice = Call("im.notify.personal.add", {"USER_ID": portal.installer_id, "MESSAGE": text})
        await self._access.call(portal, portal.installer_id, notice)

    async def _adopt_from(self, portal: Portal) -> None:
        """Take the administrator for the installer who has caused an update, if one has."""
        if (heir := self._heirs.pop(portal.member_id, None)) is None:
            log.warning("portal %s: nobody is left who could be its installer", portal.member_id)
            return await self._portals.heard(portal.member_id, portal.said)
        pair, owner = heir
        await self._tokens.connect(portal.member_id, owner, pair)
        await self._portals.installed_by(portal.member_id, owner)
        log.info("portal %s has another installer", portal.member_id)
        return await self._update(portal)

    async def _is_admin(self, portal: Portal, pair: TokenPair) -> bool:
        try:
            return await self._access.with_pair(portal, pair, ADMIN) is True
        except (Refused, NoPermission):
            return False

    async def _update(self, portal: Portal) -> None:
        # The portal has dropped its handlers. Stored first: if this process dies, the next one
        # finds it when it starts.
        await self._portals.outdated(portal.member_id)
        await self._portals.heard(portal.member_id, portal.said)
        fresh = await self._portals.fresh(portal.member_id)
        if fresh is not None:
            self._begin(self._registration.bring_up_to_date(fresh), portal.member_id)

    async def _leave(self, portal: Portal) -> None:
        await self._tokens.forget_portal(portal.member_id)
        await self._portals.left(portal.member_id)
        self._figures.changes.add(Change.LEFT)
        log.info("portal %s has left", portal.member_id)

    def _begin(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(_quietly(work, name), name=f"lifecycle of {name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _quietly(work: Coroutine[Any, Any, None], name: str) -> None:
    try:
        await work
    except (Bitrix24Error, StoreUnavailable) as error:
        log.error("the bot is not brought up to date at %s: %s", name, error)
