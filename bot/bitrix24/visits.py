"""What the portal posts when it opens a page of the app in its frame. Page: simple-way.md.

Nothing of it is proven: who reads it has to prove the tokens first.
"""

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from bot.bitrix24.entities import ITEM_TYPES, CrmItem
from bot.bitrix24.envelope import Auth, MalformedEvent, Token
from bot.bitrix24.events import Spare
from bot.bitrix24.numerals import read_number
from bot.bitrix24.token_pair import TokenPair

_CARD = re.compile(r"CRM_([A-Z]+)_DETAIL_TAB", re.IGNORECASE)
_HOST = re.compile(r"[a-z0-9.-]+(:\d{1,5})?", re.IGNORECASE)


class Visit(BaseModel):
    """A page opened in a portal's frame."""

    model_config = ConfigDict(
        extra="ignore", frozen=True, hide_input_in_errors=True, populate_by_name=True
    )

    access_token: Token = Field(alias="AUTH_ID", min_length=1)
    refresh_token: Token | None = Field(None, alias="REFRESH_ID")
    application_token: Token = Field(SecretStr(""), alias="APPLICATION_TOKEN")
    member_id: str = Field(max_length=64, min_length=1)
    server_endpoint: str = Field("", alias="SERVER_ENDPOINT", max_length=255)
    language: Annotated[str, Field(max_length=16), Spare(""), Field(alias="LANG")] = ""
    domain: Annotated[str, Field(max_length=255), Spare(""), Field(alias="DOMAIN")] = ""
    protocol: Annotated[str, Field(max_length=8), Spare("1"), Field(alias="PROTOCOL")] = "1"
    place: Annotated[str, Field(max_length=64), Spare(""), Field(alias="PLACEMENT")] = ""
    options: Annotated[str, Field(max_length=1000), Spare(""), Field(alias="PLACEMENT_OPTIONS")] = (
        ""
    )

    @classmethod
    def read(cls, form: Mapping[str, Any], query: Mapping[str, str]) -> Self:
        """Read the form and the address's query. Raises ``MalformedEvent``."""
        fields = {key: value for key, value in form.items() if value not in ("", None)}
        known = {key: query[key] for key in ("DOMAIN", "LANG", "PROTOCOL") if key in query}
        try:
            return cls.model_validate({**fields, **known})
        except ValidationError as error:
            names = ", ".join(str(one["loc"][0]) for one in error.errors(include_input=False))
            raise MalformedEvent(names) from None

    @property
    def pair(self) -> TokenPair:
        """The visitor's tokens."""
        return TokenPair(self.access_token, self.refresh_token)

    @property
    def auth(self) -> Auth:
        """The visit's tokens as an installation brings them."""
        return Auth(
            application_token=self.application_token,
            member_id=self.member_id,
            access_token=self.access_token,
            refresh_token=self.refresh_token,
            server_endpoint=self.server_endpoint,
        )

    @property
    def item(self) -> CrmItem | None:
        """The record in whose card the page is opened, as the browser says; ``None``: in none."""
        found = _CARD.fullmatch(self.place)
        type_ = next((one for one in ITEM_TYPES if found and one == found[1].lower()), None)
        number = read_number(_options(self.options).get("ID"))
        return CrmItem(type=type_, id=number) if type_ and number else None

    @property
    def claimed_origin(self) -> str:
        """Where the visit says it comes from: good for showing an excuse there, for no more."""
        if not _HOST.fullmatch(self.domain):
            return ""
        return f"{'http' if self.protocol == '0' else 'https'}://{self.domain}"


def _options(text: str) -> Mapping[str, Any]:
    try:
        options = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    return options if isinstance(options, dict) else {}
