"""What proves an event, kept beside it; portals that have left, or lost something."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

# What was under way of the bot's own acts; nobody but the stays can have asked for these.
_ACTS = """
    UPDATE inbox SET internal = true, proven = true
    WHERE done_at IS NULL AND event LIKE '%"context":"timer"%'
    AND (event LIKE '%"command":"/expire"%' OR event LIKE '%"command":"/remind"%')
"""


def upgrade() -> None:
    """Add the columns; the tokens of events are no table of their own any more."""
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
        for name in ("proven", "internal"):
            batch_op.add_column(
                sa.Column(name, sa.Boolean(), server_default=sa.false(), nullable=False)
            )
    op.execute(_ACTS)
    op.drop_table("unproven_tokens")
