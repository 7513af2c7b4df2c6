"""The tables. Times are unix seconds; columns of bytes hold what the cipher made.

Conditions of indexes are named for SQLite alone, and hold on PostgreSQL too: the migrations say
so. Named here they would have every process import PostgreSQL's dialects.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    false,
)

metadata = MetaData()

# Sorted by its bytes, whatever language the database sorts by: ranges of it are looked up.
_Sorted = String(64).with_variant(String(64, collation="C"), "postgresql")

# SQLite counts rows by INTEGER only.
_Number = BigInteger().with_variant(Integer, "sqlite")

portals = Table(
    "portals",
    metadata,
    Column("member_id", String(64), primary_key=True),
    Column("client_endpoint", Text, nullable=False),
    Column("server_endpoint", Text, nullable=False),
    Column("application_token", LargeBinary, nullable=False),
    Column("application_token_hash", String(64), nullable=False, index=True),
    Column("installer_id", BigInteger, nullable=False),
    Column("bot_id", BigInteger),
    Column("registered", String(64), nullable=False, default=""),
    Column("app_code", String(255), nullable=False, default="", server_default=""),
    Column("installed_at", Float, nullable=False),
    # What was said of the portal and nobody has confirmed yet; when it was removed; what it lost.
    Column("said", String(16), nullable=False, default="", server_default=""),
    Column("left_at", Float),
    Column("trouble", String(16), nullable=False, default="", server_default=""),
)

tokens = Table(
    "tokens",
    metadata,
    Column("member_id", String(64), primary_key=True),
    Column("user_id", BigInteger, primary_key=True, autoincrement=False),
    # The names are older than what is in them: both tokens of a pair are in the first one. Only
    # pairs of the first version have something in the second.
    Column("access_token", LargeBinary, key="pair", nullable=False),
    Column("refresh_token", LargeBinary, key="old_refresh"),
    Column("connected_at", Float),
    # Nobody uses this any more; a process of an older version may still be running.
    Column("renewer", String(32)),
    Column("renewing_until", Float),
)

inbox = Table(
    "inbox",
    metadata,
    Column("id", _Number, primary_key=True, autoincrement=True),
    Column("identity", _Sorted, nullable=False, unique=True),
    Column("member_id", String(64), nullable=False),
    Column("requester_id", BigInteger, nullable=False, server_default="0"),
    Column("lane", String(255), nullable=False),
    Column("message_id", BigInteger, nullable=False),
    Column("line", Integer, nullable=False),
    Column("event", Text, nullable=False),
    Column("received_at", Float, nullable=False),
    Column("replies", Text),
    Column("attempts", Integer, nullable=False, default=0),
    Column("suspicion", Integer, nullable=False, default=0, server_default="0"),
    Column("parked_until", Float),
    Column("resumed_at", Float),
    Column("done_at", Float),
    Column("outcome", String(16)),
    Column("code", String(64)),
    # What came with the event beside it: the tokens, and what tells this delivery from others of
    # the same command. Then: it is proven; it is an act of the bot's own.
    Column("tokens", LargeBinary),
    Column("delivery", String(16), nullable=False, default="", server_default=""),
    Column("proven", Boolean, nullable=False, default=False, server_default=false()),
    Column("internal", Boolean, nullable=False, default=False, server_default=false()),
    # The journal knows a command by its number, and for longer.
    sqlite_autoincrement=True,
)
Index(
    "inbox_waiting",
    inbox.c.lane,
    inbox.c.message_id,
    inbox.c.line,
    sqlite_where=inbox.c.done_at.is_(None),
)

journal = Table(
    "journal",
    metadata,
    Column("id", _Number, primary_key=True, autoincrement=True),
    Column("command_id", BigInteger, nullable=False),
    Column("step", Integer, nullable=False),
    Column("member_id", String(64), nullable=False),
    Column("requester_id", BigInteger, nullable=False),
    Column("chat", String(64), nullable=False),
    Column("command", String(64), nullable=False),
    Column("method", String(100), nullable=False),
    Column("person_id", BigInteger, nullable=False),
    Column("params", Text, nullable=False),
    Column("begun_at", Float, nullable=False),
    Column("answered_at", Float),
    Column("result", Text),
    Column("code", String(100)),
    Column("changed", Boolean),
)
Index("journal_step", journal.c.command_id, journal.c.step, unique=True)
# What one portal looks up costs no more for what the others have.
Index("inbox_of_portal", inbox.c.member_id, inbox.c.received_at)
Index("journal_of_portal", journal.c.member_id, journal.c.begun_at)

portal_settings = Table(
    "portal_settings",
    metadata,
    Column("member_id", String(64), primary_key=True),
    Column("settings", Text, nullable=False),
)

# Nobody uses these three any more; a process of an older version may still be running.
unproven_tokens = Table(
    "unproven_tokens",
    metadata,
    Column("identity", String(64), primary_key=True),
    Column("member_id", String(64), nullable=False, index=True),
    Column("access_token", LargeBinary, nullable=False),
    Column("refresh_token", LargeBinary),
)

buckets = Table(
    "buckets",
    metadata,
    Column("member_id", String(64), primary_key=True),
    Column("arrival", Float, nullable=False),
)

pauses = Table(
    "pauses",
    metadata,
    Column("member_id", String(64), primary_key=True),
    Column("method", String(100), primary_key=True),
    Column("until", Float, nullable=False),
)

# Which process looks after a portal, and until when if it does not say so again.
owners = Table(
    "owners",
    metadata,
    Column("member_id", String(64), primary_key=True),
    Column("owner", String(32), nullable=False),
    Column("until", Float, nullable=False),
)

# Which changes of the job library's own tables this database has had.
job_migrations = Table(
    "job_migrations",
    metadata,
    Column("name", String(200), primary_key=True),
)

keys = Table(
    "keys",
    metadata,
    Column("mark", String(16), primary_key=True),
    Column("word", LargeBinary, nullable=False),
)

used_states = Table(
    "used_states",
    metadata,
    Column("state", String(64), primary_key=True),
    Column("expires_at", Float, nullable=False, index=True),
)

preferences = Table(
    "preferences",
    metadata,
    Column("member_id", String(64), primary_key=True),
    Column("user_id", BigInteger, primary_key=True, autoincrement=False),
    Column("language", String(16), nullable=False, default=""),
    Column("page_language", String(16), nullable=False, default=""),
)

presses = Table(
    "presses",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("question", String(32), nullable=False, index=True),
    Column("member_id", String(64), nullable=False),
    Column("owner_id", BigInteger, nullable=False),
    Column("owner_name", Text, nullable=False),
    Column("command_id", BigInteger, nullable=False),
    Column("event", Text, nullable=False),
    Column("asked_at", Float, nullable=False),
    Column("act", String(64), nullable=False),
    Column("params", Text, nullable=False),
    Column("expires_at", Float, nullable=False, index=True),
    Column("used_by", BigInteger),
)

stays = Table(
    "stays",
    metadata,
    Column("id", _Number, primary_key=True, autoincrement=True),
    Column("command_id", BigInteger, nullable=False, unique=True),
    Column("member_id", String(64), nullable=False, index=True),
    Column("event", Text, nullable=False),
    Column("stay", Text, nullable=False),
    Column("until", Float, nullable=False),
    Column("remind_at", Float),
    Column("ended_at", Float),
)
Index(
    "stays_running",
    stays.c.until,
    sqlite_where=stays.c.ended_at.is_(None),
)

# ``until`` is when the next one is called, ``due_at`` when it is looked at again: sooner, where
# something has happened.
escalations = Table(
    "escalations",
    metadata,
    Column("command_id", BigInteger, primary_key=True, autoincrement=False),
    Column("member_id", String(64), nullable=False, index=True),
    Column("requester_id", BigInteger, nullable=False),
    Column("chat_id", BigInteger, nullable=False),
    Column("event", Text, nullable=False),
    Column("chain", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("begun_at", Float, nullable=False),
    Column("until", Float, nullable=False),
    Column("due_at", Float, nullable=False),
    Column("ended_at", Float),
    Column("ended_as", String(16)),
)
Index(
    "escalations_running",
    escalations.c.due_at,
    sqlite_where=escalations.c.ended_at.is_(None),
)

marks = Table(
    "marks",
    metadata,
    Column("mark", String(200), primary_key=True),
    Column("member_id", String(64), nullable=False, index=True),
    Column("made_at", Float, nullable=False, index=True),
)

figures = Table(
    "figures",
    metadata,
    Column("sample", String(255), primary_key=True),
    Column("value", Float, nullable=False),
)

replays = Table(
    "replays",
    metadata,
    Column("command_id", BigInteger, primary_key=True, autoincrement=False),
    Column("asked_at", Float, nullable=False),
)
