"""What can be tried after the scene: addresses, and lines to be pasted into another terminal."""

from sandbox.demo.process import Bot
from sandbox.demo.scene import CHAT, OLGA
from sandbox.demo.telling import joined, paint, say
from sandbox.server import Portal


def tell_how_to_go_on(portal: Portal, bot: Bot, message_id: int) -> None:
    """Say which addresses there are, and give lines to be pasted into another terminal."""
    say(f"\n{paint('1', 'The portal and the bot stay up until Ctrl-C.')}")
    say(f"  portal  {portal.url}\n  bot     {bot.url}\n  its log {bot.log}")
    say(f"\nOpen {portal.url} in a browser: chats to look into and to type in.")
    say("\nMore can be typed from another terminal; these lines work when pasted.")
    for title, line in _lines(portal, bot, message_id):
        say(f"\n{title}\n{paint('36', line)}")


def _lines(portal: Portal, bot: Bot, message_id: int) -> list[tuple[str, str]]:
    url, pretty = f"{portal.url}/sandbox", "| python3 -m json.tool --no-ensure-ascii"
    typed = f'{{"chat_id": {CHAT}, "user_id": {OLGA}, "hidden": true, "text": "/invite id15"}}'
    event = _event_line(portal, bot, message_id)
    return [
        ("Ольга brings Анна in:", f"curl {url}/messages \\\n  -d '{typed}'"),
        ("Look at the chat:", f"curl -s {url}/chats/{CHAT} {pretty}"),
        ("Look at the bot's talk with Ольга:", f"curl -s {url}/dialogs/{OLGA} {pretty}"),
        ("Look at the REST calls:", f"curl -s {url}/calls {pretty}"),
        ("Post an event to the bot, as Bitrix24 does when Ольга types:", event),
    ]


def _event_line(portal: Portal, bot: Bot, message_id: int) -> str:
    state = portal.state
    bot_id = next(iter(state.bots))
    command = next(one for one in state.commands.values() if one.name == "invite")
    fields = {
        "event": "ONIMBOTV2COMMANDADD",
        "auth[member_id]": state.member_id,
        "auth[application_token]": state.app.application_token,
        # What proves that the portal has sent it: the bot's token, which no employee sees.
        "data[bot][auth][access_token]": state.tokens.issue(bot_id, "bot").access,
        "data[bot][id]": bot_id,
        "data[command][id]": command.id,
        "data[command][command]": "/invite",
        "data[command][params]": "id41",
        "data[message][id]": message_id,
        "data[chat][id]": CHAT,
        "data[chat][dialogId]": f"chat{CHAT}",
        "data[chat][entityType]": "LINES",
        "data[chat][entityData2]": state.chats[CHAT].entity_data_2,
        "data[user][id]": OLGA,
        "data[language]": "ru",
    }
    data = [f"-d '{name}={value}'" for name, value in fields.items()]
    return " \\\n  ".join([f"curl {bot.url}/bitrix24/events", *joined(data)])
