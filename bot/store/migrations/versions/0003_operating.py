"""What operators need: how a command ended, figures of all processes, commands to run again."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the tables and columns."""
    op.create_table(
        "figures",
        sa.Column("sample", sa.String(length=255), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("sample"),
    )
    op.create_table(
        "replays",
        sa.Column("command_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("asked_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("command_id"),
    )
    with op.batch_alter_table("inbox", schema=None) as batch_op:
        batch_op.add_column(sa.Column("outcome", sa.String(length=16), nullable=True))
        batch_op.add_column(sa.Column("code", sa.String(length=64), nullable=True))
