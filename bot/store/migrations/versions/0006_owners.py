"""Who looks after a portal, and which migrations of the job library have been applied."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "owners",
        sa.Column("member_id", sa.String(64), nullable=False),
        sa.Column("owner", sa.String(32), nullable=False),
        sa.Column("until", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("member_id"),
    )
    op.create_table(
        "job_migrations",
        sa.Column("name", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
