"""A command's number is given once: the journal knows it longer than the command is kept."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Have SQLite go on counting where everything has been deleted; PostgreSQL does so anyway."""
    if op.get_bind().dialect.name != "sqlite":
        return
    with op.batch_alter_table(
        "inbox", recreate="always", table_kwargs={"sqlite_autoincrement": True}
    ):
        pass
    op.execute(sa.text("DELETE FROM sqlite_sequence WHERE name = 'inbox'"))
    op.execute(
        sa.text(
            "INSERT INTO sqlite_sequence (name, seq) SELECT 'inbox', max("
            " coalesce((SELECT max(id) FROM inbox), 0),"
            " coalesce((SELECT max(command_id) FROM journal), 0))"
        )
    )
