"""Where the two servers keep the portal's state."""

from aiohttp import web

from sandbox.courier import Courier
from sandbox.state import State

STATE = web.AppKey("STATE", State)
COURIER = web.AppKey("COURIER", Courier)
