"""What proves an event, kept beside it; portals that have left, or lost something.

What the version before has accepted it had proven by its own rules, and it was told 200: a command
keeps its right to run, and a button that was pressed stays pressed. Of what a process of that
version stores while it still runs beside this schema, its requester is asked.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

# What was under way of the bot's own acts; nobody but the stays can have asked for these.
_ACTS = """
    UPDATE inbox SET internal = true
    WHERE done_at IS NULL AND event LIKE '%"context":"timer"%'
    AND (event LIKE '%"command":"/expire"%' OR event LIKE '%"command":"/remind"%')
"""

# A token that came with a command that waits, and of which its event did not say whose it is.
_TOKENS = """
    UPDATE inbox SET tokens = (
        SELECT access_token FROM unproven_tokens WHERE unproven_tokens.identity = inbox.identity
    ) WHERE done_at IS NULL
"""


def upgrade() -> None:
    """Add the columns, and move the tokens of events to them.

    Their old table stays: a process of the version before may still write into it.
    """
    with op.batch_alter_table("portals", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("said", sa.String(length=16), server_default="", nullable=False)
        )
        batch_op.add_column(sa.Column("left_at", sa.Float(), nullable=True))
        batch_op.add_column(
            sa.Column("trouble", sa.String(length=16), server_default="", nullable=False)
        )
    with op.batch_alter_table("inbox", schema=None) as batch_op:
        batch_op.add_column(sa.Column("tokens", sa.LargeBinary(), nullable=True))
        batch_op.add_column(
            sa.Column("delivery", sa.String(length=16), server_default="", nullable=False)
        )
        batch_op.add_column(
            sa.Column("proven", sa.Boolean(), server_default=sa.true(), nullable=False)
        )
        batch_op.add_column(
            sa.Column("internal", sa.Boolean(), server_default=sa.false(), nullable=False)
        )
    with op.batch_alter_table("inbox", schema=None) as batch_op:
        batch_op.alter_column("proven", server_default=sa.false())
    if op.get_bind().dialect.name == "postgresql":
        op.execute('ALTER TABLE inbox ALTER COLUMN identity TYPE VARCHAR(64) COLLATE "C"')
    op.execute(_ACTS)
    op.execute(_TOKENS)
    op.execute("DELETE FROM unproven_tokens")
