"""Escalations that run until somebody takes them."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "escalations",
        sa.Column("command_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("member_id", sa.String(64), nullable=False),
        sa.Column("requester_id", sa.BigInteger(), nullable=False),
        sa.Column("chat_id", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("chain", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("begun_at", sa.Float(), nullable=False),
        sa.Column("until", sa.Float(), nullable=False),
        sa.Column("due_at", sa.Float(), nullable=False),
        sa.Column("ended_at", sa.Float()),
        sa.Column("ended_as", sa.String(16)),
        sa.PrimaryKeyConstraint("command_id"),
    )
    op.create_index("ix_escalations_member_id", "escalations", ["member_id"])
    running = sa.text("ended_at IS NULL")
    op.create_index(
        "escalations_running",
        "escalations",
        ["due_at"],
        sqlite_where=running,
        postgresql_where=running,
    )
