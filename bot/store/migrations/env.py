"""What alembic runs: the migrations, on the connection it is handed."""

from alembic import context

from bot.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    on_version_apply=context.config.attributes.get("tell"),
)
with context.begin_transaction():
    context.run_migrations()
