"""Which messages of an open-line chat the connector takes to the customer.

The order of the conditions is that of `imopenlines`, `Connector::onMessageSend`. None of them
looks at what the text begins with: a typed command goes to the customer as any other text.
"""

from sandbox.model import Chat, Message, User

# Connectors by which a message can be taken back (`imconnector`, `Library`), besides those that an
# app has brought.
_TAKE_BACK = {"livechat", "network", "vkgroup", "facebookcomments", "fbinstagram"}


def reaches_customer(
    chat: Chat, author: User | None, message: Message, *, silent: bool, skip: bool
) -> bool:
    """Whether the customer of the chat gets the message."""
    if chat.entity_type != "LINES":
        return False
    if author is not None and author.connector:
        return False
    if silent or chat.silent:
        return False
    if skip or message.system:
        return False
    if not message.text.strip() and not message.attach:
        return False
    return chat.session is not None and chat.session.connector_active


def can_be_taken_back(chat: Chat) -> bool:
    """Whether an employee may delete what they have written there: not by every connector."""
    return chat.entity_type != "LINES" or chat.entity_id.partition("|")[0] in _TAKE_BACK
