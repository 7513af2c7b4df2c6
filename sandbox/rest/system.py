"""Methods about the app and its caller: scope, app.info, profile and the like."""

from sandbox.rest.registry import Call, Methods

methods = Methods()


@methods.method("scope")
def scope(call: Call) -> object:
    """The scopes granted to the app (`scope`)."""
    return list(call.app.scopes)


@methods.method("app.info")
def app_info(call: Call) -> object:
    """The app's card (`app.info`), the same at the portal and at the authorization server."""
    app = call.app
    return {
        "ID": 71,
        "CODE": app.client_id,
        "VERSION": app.version,
        "STATUS": "L",
        "INSTALLED": app.installed,
        "PAYMENT_EXPIRED": "N",
        "DAYS": None,
        "LANGUAGE_ID": "ru",
        "LICENSE": "ru_basic",
        "LICENSE_TYPE": "basic",
        "LICENSE_FAMILY": "basic",
    }


@methods.method("profile", dismissed=True)
def profile(call: Call) -> object:
    """The token's owner (`profile`), a person or a bot; nothing of those who have left."""
    user = call.user
    if not user.active:
        return []
    return {
        "ID": str(user.id),
        "ADMIN": user.admin,
        "NAME": user.name,
        "LAST_NAME": user.last_name,
        "PERSONAL_GENDER": user.gender,
        "TIME_ZONE": None,  # until the person chooses one
    }


@methods.method("user.admin")
def user_admin(call: Call) -> object:
    """Whether the caller may manage the app's settings (`user.admin`)."""
    return call.user.admin


@methods.method("server.time")
def server_time(call: Call) -> object:
    """The portal's time (`server.time`)."""
    return call.state.clock.iso()
