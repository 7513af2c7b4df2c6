"""Which language the bot speaks to whom: one rule for whatever it says."""

from dataclasses import dataclass

from bot.portals.preferences import Preferences
from bot.portals.settings import PortalSettingsStore
from bot.wording.rendering import Wording


@dataclass(eq=False, slots=True)
class Languages:
    """Knows the languages of people and portals, as far as they have told them."""

    _wording: Wording
    _preferences: Preferences
    _settings: PortalSettingsStore

    async def of(self, member_id: str, user_id: int, told: str = "") -> str:
        """Give a person's own: chosen by /language, else that of their last page.

        Without one it is the portal's. ``told`` is the language that an event names: that of
        the portal, whoever has caused it.
        """
        own = await self._preferences.language(member_id, user_id)
        return self._wording.known(own) if own else await self.of_portal(member_id, told)

    async def of_portal(self, member_id: str, told: str = "") -> str:
        """Give the language that an administrator has chosen for the portal, else its default."""
        settings = await self._settings.of(member_id)
        return self._wording.known(settings.default_language or told)
