"""The people, chats, CRM items and groups that every stand-in portal begins with."""

from sandbox.model import (
    Chat,
    CrmItem,
    Department,
    Group,
    Line,
    Session,
    SessionStatus,
    User,
)
from sandbox.state import State

SUPPORT, LAW, LOGISTICS = 2, 5, 9
CUSTOMER = 599
LINE = 1


def plant(state: State) -> None:
    """Fill an empty state."""
    _people(state)
    _crm(state)
    _line_chats(state)
    _other_chats(state)


def _people(state: State) -> None:
    for department in (
        Department(1, "Компания", head=1),
        Department(SUPPORT, "Отдел поддержки", parent=1, head=3),
        Department(LAW, "Право", parent=1),
        Department(LOGISTICS, "Логистика", parent=1),
    ):
        state.departments[department.id] = department
    for user in (*_employees(), *_outsiders()):
        state.users[user.id] = user
    state.lines[LINE] = Line(LINE, "Поддержка", [7, 15])


def _employees() -> list[User]:
    return [
        User(
            1,
            "Администратор",
            "",
            "M",
            "Администратор",
            [1],
            email="admin@example.test",
            admin=True,
        ),
        User(
            3,
            "Борис",
            "Волков",
            "M",
            "Руководитель отдела",
            [SUPPORT],
            email="volkov@example.test",
            history="department",
        ),
        User(
            7,
            "Ольга",
            "Смирнова",
            "F",
            "Оператор",
            [SUPPORT],
            email="smirnova@example.test",
            history="any",
        ),
        User(12, "Иван", "Петров", "M", "Юрист", [LAW], email="petrov.law@example.test"),
        User(15, "Анна", "Орлова", "F", "Оператор", [SUPPORT], email="orlova@example.test"),
        User(21, "Роман", "Соколов", "M", "Менеджер", [SUPPORT], email="sokolov@example.test"),
        User(
            33,
            "Павел",
            "Лебедев",
            "M",
            "Инженер",
            [LOGISTICS],
            email="lebedev@example.test",
            active=False,
        ),
        User(41, "Иван", "Петров", "M", "Водитель", [LOGISTICS], email="petrov.car@example.test"),
    ]


def _outsiders() -> list[User]:
    return [
        User(18, "Дина", "", "F", "Подрядчик", kind="extranet", email="dina@example.test"),
        *(
            User(number, name, "", "M", kind="connector", crm=False, history="none", join=False)
            for number, name in ((CUSTOMER, "Клиент"), (600, "Мария"), (601, "Гость"))
        ),
    ]


def _crm(state: State) -> None:
    for item in (
        CrmItem("DEAL", 288, "Поставка оборудования", 21, contact_id=91, observers=[3]),
        CrmItem("DEAL", 300, "Договор без переписки", 21),
        CrmItem("DEAL", 301, "Аренда склада", 15, contact_id=92),
        CrmItem("CONTACT", 91, "Клиент", 21),
        CrmItem("CONTACT", 92, "Мария", 15),
    ):
        state.crm[item.kind, item.id] = item


def _line_chats(state: State) -> None:
    _line_chat(
        state,
        8773,
        "Клиент - Поддержка",
        CUSTOMER,
        "telegrambot",
        {"DEAL": 288, "CONTACT": 91},
        age=600,
    )
    _line_chat(
        state, 8774, "Мария - Поддержка", 600, "telegrambot", {"DEAL": 301, "CONTACT": 92}, age=1200
    )
    _line_chat(state, 9001, "Гость - Поддержка", 601, "livechat", {}, age=300)
    _line_chat(
        state,
        8800,
        "Клиент - Поддержка (WhatsApp)",
        CUSTOMER,
        "whatsapp",
        {"DEAL": 288},
        age=86400,
        status=SessionStatus.CLOSE,
    )


def _line_chat(
    state: State,
    number: int,
    name: str,
    customer: int,
    connector: str,
    bindings: dict[str, int],
    age: int,
    status: int = SessionStatus.OPERATOR,
) -> None:
    created = state.clock.now() - age
    entity_id = f"{connector}|{LINE}|{number}77|{customer}"
    for binding in bindings.items():
        item = state.crm[binding]
        item.imol = item.imol or f"imol|{entity_id}"
    state.chats[number] = Chat(
        number,
        "lines",
        name,
        7,
        [7, customer],
        created,
        entity_type="LINES",
        entity_id=entity_id,
        bindings=dict(bindings),
        data_3="N",
        session=Session(state.number("session"), status, 7, int(created)),
        line_id=LINE,
        activity_at=created,
    )


def _other_chats(state: State) -> None:
    now = state.clock.now()
    state.groups[15] = Group(15, "Юристы", {3: "A", 7: "K"})
    for chat in (
        Chat(55, "chat", "Летучка", 3, [3, 7, 12, 15], now),
        Chat(60, "sonetGroup", "Юристы", 3, [3, 7], now, entity_type="SONET_GROUP", entity_id="15"),
        Chat(
            1439, "crm", "Сделка № 288", 21, [7, 21], now, entity_type="CRM", entity_id="DEAL|288"
        ),
    ):
        state.chats[chat.id] = chat
