"""What the documentation names: the methods that the bot calls, and what they may refuse with.

An error code that is not here has not been seen by whoever wrote the bot's answers to it.
"""

_METHODS = """
    app.info batch crm.item.get crm.timeline.comment.add crm.timeline.comment.list department.get
    event.bind event.get im.chat.user.list
    im.chat.user.add im.chat.user.delete im.department.get im.department.managers.get
    im.dialog.messages.get
    im.message.delete im.notify.personal.add
    im.user.get im.user.list.get imbot.v2.Bot.get imbot.v2.Bot.list imbot.v2.Bot.register
    imbot.v2.Bot.update
    imbot.v2.Chat.Message.send imbot.v2.Command.answer imbot.v2.Command.list
    imbot.v2.Command.register imbot.v2.Command.unregister imbot.v2.Command.update
    imbot.v2.Revision.get imopenlines.config.get imopenlines.config.list.get
    imopenlines.crm.chat.get
    imopenlines.crm.chat.getLastId imopenlines.crm.chat.user.add imopenlines.crm.chat.user.delete
    imopenlines.crm.lead.create imopenlines.dialog.get imopenlines.session.mode.silent
    imopenlines.session.start placement.bind placement.get placement.unbind profile scope
    sonet_group.get sonet_group.user.get
    sonet_group.user.invite user.admin user.get user.search
"""
# What commands call that have been added to those the bot comes with.
_ADDED = """
"""
# Pages: system-errors.md, error-codes.md, scopes/confirmation.md, oauth/error-codes.md.
_SYSTEM = """
    expired_token NO_AUTH_FOUND invalid_token authorization_error insufficient_scope
    INVALID_CREDENTIALS user_access_error ACCESS_DENIED INVALID_REQUEST
    ERROR_BATCH_LENGTH_EXCEEDED ERROR_BATCH_METHOD_NOT_ALLOWED ERROR_METHOD_NOT_FOUND
    ERROR_MANIFEST_IS_NOT_AVAILABLE OPERATION_TIME_LIMIT QUERY_LIMIT_EXCEEDED OVERLOAD_LIMIT
    INTERNAL_SERVER_ERROR ERROR_UNEXPECTED_ANSWER PORTAL_DELETED METHOD_CONFIRM_WAITING
    METHOD_CONFIRM_DENIED WRONG_AUTH_TYPE PAYMENT_REQUIRED invalid_grant invalid_client
    wrong_client invalid_request invalid_scope temporarily_unavailable CONNECTION_ERROR
    APPLICATION_NOT_FOUND 100
"""
# Pages: chat-bots-v2/.
_BOTS = """
    BOT_TOKEN_NOT_SPECIFIED BOT_ID_REQUIRED BOT_NOT_FOUND BOT_OWNERSHIP_ERROR BOT_CODE_REQUIRED
    BOT_CODE_ALREADY_TAKEN BOT_PROPERTIES_REQUIRED BOT_INVALID_TYPE BOT_INVALID_EVENT_MODE
    BOT_INVALID_CALLBACK BOT_WEBHOOK_URL_REQUIRED BOT_LIMIT_EXCEEDED BOT_REGISTER_FAILED
    BOT_AVATAR_INCORRECT_TYPE BOT_AVATAR_INCORRECT_SIZE BOT_TOKEN_ROTATION_FAILED
    BOT_TYPE_NOT_ALLOWED PARAMS_REQUIRED COMMAND_NAME_INVALID COMMAND_NAME_EMPTY COMMAND_REQUIRED
    COMMAND_TITLE_REQUIRED COMMAND_ALREADY_EXISTS COMMAND_REGISTER_FAILED COMMAND_NOT_FOUND
    COMMAND_ANSWER_FAILED EMPTY_MESSAGE SENDING_FAILED ATTACH_ERROR ATTACH_OVERSIZE
"""
# Pages: imopenlines/, and the messenger's own.
_CHATS = """
    ERROR_ARGUMENT IM_NOT_INSTALLED CHAT_NOT_IN_CRM CRM_CHAT_USER_NOT_ACTIVE WRONG_REQUEST
    CRM_CHAT_EMPTY_USER CRM_CHAT_EMPTY_CRM_DATA CHAT_DELETE_USER_PERMISSION_DENIED USER_NOT_FOUND
    ERROR_USER_NOT_OPERATOR ACCESS_ERROR CHAT_ID CHAT_TYPE USER_ID CHAT_ID_EMPTY DIALOG_ID_EMPTY
    INVALID_FORMAT MESSAGE_ID_ERROR CANT_EDIT_MESSAGE MESSAGE_EMPTY USER_ID_EMPTY ID_EMPTY
    USER_NOT_EXISTS IM_ERROR_KICK ACCESS_DENIED_EXTEND CONFIG_ID_EMPTY KEYBOARD_ERROR
    KEYBOARD_OVERSIZE FIND_SHORT
"""
# Pages: crm/, user/, department/, events/.
_OTHERS = """
    NOT_FOUND OWNER_NOT_FOUND INVALID_ARG_VALUE ADDING_DISABLED allowed_only_intranet_user
    ERROR_CORE ERROR_EVENT_NOT_FOUND ERROR_PLACEMENT_NOT_FOUND ERROR_PLACEMENT_MAX_COUNT
    ERROR_WRONG_HANDLER_URL ERROR_UNSUPPORTED_PROTOCOL
"""

SHIPPED = frozenset(_METHODS.split())
METHODS = SHIPPED | frozenset(_ADDED.split())
CODES = frozenset(f"{_SYSTEM} {_BOTS} {_CHATS} {_OTHERS}".split())
