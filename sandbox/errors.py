"""What a request can be refused with, each kind with the body it is answered by."""


class RestRefused(Exception):
    """A REST call is refused; answered as `error`, `error_description` and the extra members."""

    def __init__(self, code: str, description: str, status: int = 400, **extra: object) -> None:
        super().__init__(f"{code}: {description}")
        self.code = code
        self.description = description
        self.status = status
        self.extra = extra

    def quoting(self, token: str) -> "RestRefused":
        """The same, with the token where the description has `{auth}`."""
        description = self.description.replace("{auth}", token)
        return RestRefused(self.code, description, self.status, **self.extra)

    def body(self) -> dict[str, object]:
        return {"error": self.code, "error_description": self.description, **self.extra}


class ControlRefused(Exception):
    """A `/sandbox/*` request is wrong; answered as `{"error": ...}`."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


def access_denied(description: str = "Access denied", status: int = 403) -> RestRefused:
    """The code that Bitrix24 uses for most refusals of rights."""
    return RestRefused("ACCESS_DENIED", description, status)


def missing_argument(name: str) -> RestRefused:
    """An empty argument, as the older modules report it."""
    text = f"Argument '{name}' is null or empty"
    return RestRefused("ERROR_ARGUMENT", text, argument=name)


def invalid_argument(name: str) -> RestRefused:
    """An argument of the wrong type, as the older modules report it."""
    text = f"The value of an argument '{name}' has an invalid type"
    return RestRefused("ERROR_ARGUMENT", text, argument=name)
