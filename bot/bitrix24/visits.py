"""What the portal posts when it opens a page of the app in its frame. Page: simple-way.md.

Nothing of it is proven: who reads it has to prove the tokens first.
"""

import re
from collections.abc import Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from bot.bitrix24.events import Auth, MalformedEvent, Token

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
    language: str = Field("", alias="LANG", max_length=16)
    domain: str = Field("", alias="DOMAIN", max_length=255)
    protocol: str = Field("1", alias="PROTOCOL", max_length=8)

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
    def claimed_origin(self) -> str:
        """Where the visit says it comes from: good for showing an excuse there, for no more."""
        if not _HOST.fullmatch(self.domain):
            return ""
        return f"{'http' if self.protocol == '0' else 'https'}://{self.domain}"
