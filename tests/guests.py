"""People who are in a chat for a while: how their time passes."""

from sqlalchemy import text
from stage import Stage


async def time_passes(stage: Stage, seconds: float) -> None:
    """Let the bot's appointments come nearer."""
    with stage.engine.begin() as connection:
        connection.execute(
            text("UPDATE stays SET until = until - :s, remind_at = remind_at - :s"),
            {"s": seconds},
        )
