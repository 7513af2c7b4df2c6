"""Every secret by name: what is encrypted where it is stored, and cut wherever it comes up."""

# Fields of requests, answers and addresses, in any case.
FIELDS = (
    "access_token",
    "refresh_token",
    "application_token",
    "client_secret",
    "AUTH_ID",
    "REFRESH_ID",
    "auth",
    "code",
    "state",
    "ticket",
    "session",
)

# Settings whose very values never leave.
SETTINGS = ("bitrix24_client_secret", "encryption_keys", "metrics_token", "database_url")
