"""The scene. Everything in it is done and looked at through /sandbox/*, as curl would."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientSession

from sandbox.demo.process import Bot, DidNotHappen, until
from sandbox.demo.telling import CHECK, CROSS, WIDTH, Row, Teller, as_shown, filled, paint, say
from sandbox.server import Portal

OLGA, IVAN, RESPONSIBLE, BOSS, PAVEL, CUSTOMER = 7, 12, 21, 3, 33, 599
CHAT = 8773
ADD = "imopenlines.crm.chat.user.add"
IN_CHAT, PRIVATELY = "imbot.v2.Command.answer", "imbot.v2.Chat.Message.send"


@dataclass
class Act:
    """What has come since the act began: calls, messages in the chat, private messages."""

    calls: list[Row]
    said: list[Row]
    private: list[Row]
    members: list[int]

    @property
    def to_customer(self) -> list[Row]:
        """What the customer got."""
        return [message for message in self.said if message["to_customer"]]

    def is_answered_inside(self, person: int) -> bool:
        """Say whether the bot named the person in the chat, for the staff only."""
        answer = self.said[-1]
        told = bool(self.calls_of(IN_CHAT)) and f"[USER={person}]" in answer["text"]
        return told and answer["system"] and not answer["to_customer"]

    def calls_of(self, method: str) -> list[Row]:
        """Give the calls of one method."""
        return [call for call in self.calls if call["method"] == method]


class Scene:
    """Four short acts in the Open Channel chat of a customer."""

    def __init__(self, portal: Portal, bot: Bot, session: ClientSession) -> None:
        self.portal = portal
        self.bot = bot
        self.missed: list[str] = []
        self._session = session
        self._teller = Teller(OLGA, CUSTOMER)
        self._before = Act([], [], [], [])
        self.typed = 0

    async def play(self) -> None:
        """Play it and tell it; what did not go as it should is kept in ``missed``."""
        await self._install()
        await self._bring_a_colleague_in()
        await self._ask_for_a_dismissed_one()
        await self._let_the_customer_try()
        await self._call_for_help()
        self._conclude()

    async def _install(self) -> None:
        pages = {"handler": "install", "app": "app", "redirect": "oauth"}
        card = {name: f"{self.bot.url}/bitrix24/{page}" for name, page in pages.items()}
        status = (await self._post("install", card))["status"]
        if status != 200:
            raise DidNotHappen(f"the bot refuses the installation (status {status})")
        self._teller.names |= {user["id"]: user["name"] for user in await self._get("users")}
        known = self.portal.state.commands.values()
        commands = ", ".join(f"/{one.name}" for one in known if not one.hidden)
        say(filled(f"The portal has installed the bot, which knows {commands}.", ""))
        say(f"The scene is chat {CHAT}, an Open Channel, bound to deal 288. In it are")
        operator, customer = self._teller.name(OLGA), self._teller.name(CUSTOMER)
        say(f"{operator}, an operator, and the customer, {customer}.")

    async def _bring_a_colleague_in(self) -> None:
        await self._begin("1. An operator brings a colleague in")
        await self._type(OLGA, f"/invite [USER={IVAN}]{self._teller.names[IVAN]}[/USER]")
        act = await self._ended()
        added = [(one["user_id"], one["auth"], one["error"]) for one in act.calls_of(ADD)]
        whose = f"he was added once, with the token of {self._teller.name(OLGA)} and no other"
        self._expect(IVAN in act.members, f"{self._teller.name(IVAN)} is a member of the chat")
        self._expect(added == [(OLGA, "user", None)], whose)
        self._expect(act.is_answered_inside(IVAN), "the bot's answer is internal")
        self._expect(not act.to_customer, "the customer got neither answer nor error")

    async def _ask_for_a_dismissed_one(self) -> None:
        await self._begin("2. A colleague who has been dismissed")
        await self._type(OLGA, f"/invite [USER={PAVEL}]{self._teller.names[PAVEL]}[/USER]")
        act = await self._ended()
        explained = any(f"[USER={PAVEL}]" in one["text"] for one in act.private)
        self._expect(PAVEL not in act.members, f"{self._teller.name(PAVEL)} was not added")
        self._expect(explained, f"{self._teller.name(OLGA)} was told why, privately")
        self._expect(len(act.said) == 1 and not act.to_customer, "the bot said nothing in the chat")

    async def _let_the_customer_try(self) -> None:
        await self._begin("3. The customer tries it")
        await self._type(CUSTOMER, f"/invite id{RESPONSIBLE}")
        # Commands of a chat are answered in their order: with her answer, his turn is over.
        await self._type(OLGA, "/invite")
        act = await self._ended()
        methods = [call["method"] for call in act.calls]
        self._expect(RESPONSIBLE not in act.members, "nobody was added")
        self._expect(methods == [PRIVATELY], f"the only call answers {self._teller.name(OLGA)}")
        self._expect(len(act.said) == 2 and not act.to_customer, "the customer got no answer")

    async def _call_for_help(self) -> None:
        await self._begin("4. An operator calls for help, and the first does not take it")
        await self._type(OLGA, "/escalate -- the client wants to leave")
        await self._ended()
        await self._press(RESPONSIBLE, "Не могу", 1)
        await self._come(lambda act: bool(act.private) and BOSS in act.members)
        await self._press(BOSS, "Беру", 0)
        act = await self._come(lambda act: bool(act.private and act.said))
        calls = [one for one in await self._get("calls") if one["method"] == ADD]
        added = [(one["user_id"], one["params"]["USER_ID"]) for one in calls[-2:]]
        whose = f"both were called with the token of {self._teller.name(OLGA)}, one by one"
        self._expect(added == [(OLGA, str(RESPONSIBLE)), (OLGA, str(BOSS))], whose)
        is_inside = len(act.said) == 1 and act.is_answered_inside(BOSS)
        self._expect(is_inside, "the chat got one line, for the staff only")
        self._expect(not act.to_customer, "the customer saw nothing of it")

    def _conclude(self) -> None:
        if not self.missed:
            say(f"\n{paint('1', 'Everything went as expected.')}")
            return
        say(f"\n{paint('1;31', 'This did not go as expected:')}")
        for what in self.missed:
            say(f"  {CROSS} {what}")

    async def _begin(self, title: str) -> None:
        self._before = await self._seen()
        say(f"\n{paint('1', title)}\n{'─' * WIDTH}")

    async def _type(self, user_id: int, text: str) -> None:
        hidden = user_id != CUSTOMER
        body = {"chat_id": CHAT, "user_id": user_id, "text": text, "hidden": hidden}
        self.typed = (await self._post("messages", body))["message_id"]
        how = "types, hidden from the customer" if hidden else "types"
        say(f"{self._teller.name(user_id)} {how}:\n    {paint('36', as_shown(text))}")

    async def _press(self, user_id: int, words: str, button: int) -> None:
        """Let somebody press a button of the newest card in their talk with the bot."""

        async def card() -> int:
            messages = (await self._get(f"dialogs/{user_id}"))["messages"]
            return max((one["id"] for one in messages if one["keyboard"]), default=0)

        async def is_there() -> bool:
            return bool(await card())

        await until(is_there, f"{self._teller.name(user_id)} gets no card")
        self._before = await self._seen()
        body = {"message_id": await card(), "button": button, "user_id": user_id}
        await self._post("presses", body)
        say(f"{self._teller.name(user_id)} presses: {paint('36', words)}")

    async def _come(self, fact: Callable[[Act], bool]) -> Act:
        """Wait until the portal shows what is to come, and tell what has happened."""

        async def has_come() -> bool:
            act = await self._since()
            return fact(act) and None not in [one["status"] for one in act.calls]

        await until(has_come, "the bot does not answer")
        act = await self._since()
        self._teller.tell(act.calls, act.said, act.private)
        return act

    async def _ended(self) -> Act:
        """Wait for the bot's answer, wherever it goes, and tell what has happened."""
        return await self._come(lambda act: bool(act.calls_of(IN_CHAT) + act.calls_of(PRIVATELY)))

    async def _since(self) -> Act:
        now, before = await self._seen(), self._before
        return Act(
            now.calls[len(before.calls) :],
            now.said[len(before.said) :],
            now.private[len(before.private) :],
            now.members,
        )

    async def _seen(self) -> Act:
        chat = await self._get(f"chats/{CHAT}")
        private = (await self._get(f"dialogs/{OLGA}"))["messages"]
        return Act(await self._get("calls"), chat["messages"], private, chat["members"])

    def _expect(self, came_true: bool, what: str) -> None:
        say(f"  {CHECK if came_true else CROSS} {what}")
        if not came_true:
            self.missed.append(what)

    async def _get(self, path: str) -> Any:
        return await self._ask("GET", path)

    async def _post(self, path: str, body: Row) -> Any:
        return await self._ask("POST", path, body)

    async def _ask(self, method: str, path: str, body: Row | None = None) -> Any:
        url = f"{self.portal.url}/sandbox/{path}"
        async with self._session.request(method, url, json=body) as response:
            if response.status >= 300:
                raise DidNotHappen(f"the portal refuses {path}: {await response.text()}")
            return await response.json()
