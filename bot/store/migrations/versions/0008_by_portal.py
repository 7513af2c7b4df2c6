"""What belongs to a portal is found without a look at what others have."""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make the indexes."""
    op.create_index("inbox_of_portal", "inbox", ["member_id", "received_at"])
    op.create_index("journal_of_portal", "journal", ["member_id", "begun_at"])
