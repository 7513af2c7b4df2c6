"""REST over HTTP: the request's parameters, its faults, its answer."""

import asyncio
import json
import time
from dataclasses import dataclass, field

from aiohttp import web

from sandbox import phpform
from sandbox.errors import RestRefused
from sandbox.faults import MethodFault
from sandbox.journal import CallRecord, without_secrets
from sandbox.keys import STATE
from sandbox.rest.batch import commands, method_of, run_batch
from sandbox.rest.catalogue import METHODS
from sandbox.rest.dispatch import authorize, dispatch
from sandbox.rest.envelope import failure, success
from sandbox.rest.params import within_depth
from sandbox.rest.registry import Page
from sandbox.rest.transport import broken, cut_short, hang_up
from sandbox.state import State
from sandbox.tokens import Token

MOST_BYTES = 8 * 1024 * 1024
_MOST_KEPT = 300  # characters of an answer, in the journal


@dataclass
class _Request:
    """A REST request, read."""

    state: State
    name: str
    values: dict[str, object]
    token: Token | None
    verdicts: dict[int, bool] = field(default_factory=dict)

    @property
    def user_id(self) -> int | None:
        return self.token.user_id if self.token else None

    @property
    def is_batch(self) -> bool:
        return self.name.lower() == "batch"

    def methods(self) -> list[str]:
        """The method, and those inside a batch."""
        inner = commands(self.values).values() if self.is_batch else ()
        return [self.name, *map(method_of, inner)]


async def answer(request: web.Request) -> web.StreamResponse:
    """Answer `/rest/<method>`; a fault of the transport replaces or mangles the answer."""
    state = request.app[STATE]
    try:
        asked = await _read(request, state)
    except RestRefused as refused:
        return _json(refused.status, failure(state, refused))
    fault = state.faults.take_transport(asked.methods(), asked.user_id)
    record = _record(asked, asked.name, asked.values)
    record.fault = fault.kind if fault else None
    clock = time.perf_counter()
    try:
        return await _disturbed(request, asked, record, fault)
    finally:
        record.ms = _since(clock)


async def _disturbed(
    request: web.Request, asked: _Request, record: CallRecord, fault: MethodFault | None
) -> web.StreamResponse:
    if fault is not None and fault.kind == "delay" and isinstance(fault.value, float):
        await asyncio.sleep(fault.value)
    if fault is not None and (instead := broken(request, fault)) is not None:
        record.status = None if fault.kind == "drop" else instead.status
        return instead
    status, body = _acted(asked, record)
    if fault is not None and fault.kind == "drop":
        record.status = None
        return hang_up(request)
    if fault is not None and isinstance(fault.value, RestRefused):
        record.status, record.error = fault.value.status, fault.value.code
        return _json(fault.value.status, failure(asked.state, fault.value))
    if fault is not None and fault.kind == "truncate":
        return await cut_short(request, status, _dump(body))
    return _json(status, body)


def _acted(asked: _Request, record: CallRecord) -> tuple[int, dict[str, object]]:
    """Do what is asked and note how it went."""
    state = asked.state
    started = state.clock.now()
    try:
        _drop_into_bucket(state)
        result = _batch(asked, record) if asked.is_batch else _called(asked)
        record.answer = _beginning(result)
        status, body = 200, success(state, result, started)
    except RestRefused as refused:
        status, body = refused.status, failure(state, refused)
        record.error = refused.code
    record.status = status
    return status, body


def _drop_into_bucket(state: State) -> None:
    if not state.bucket.take():
        raise RestRefused("QUERY_LIMIT_EXCEEDED", "Too many requests", 503)


def _called(asked: _Request) -> object:
    return _one(asked, asked.name, asked.values)


def _one(asked: _Request, name: str, values: dict[str, object]) -> object:
    return dispatch(asked.state, METHODS, name, asked.token, values, asked.verdicts)


def _batch(asked: _Request, outer: CallRecord) -> object:
    fault = asked.state.faults.take_error("batch", asked.user_id)
    if fault is not None:
        raise fault
    proven, _ = authorize(asked.state, asked.token)
    if overlooked := asked.state.faults.take_result("batch", proven.user_id):
        return overlooked.value

    def run(name: str, values: dict[str, object]) -> object:
        record = _record(asked, name, values, within=outer.id)
        clock = time.perf_counter()
        try:
            result = _one(asked, name, values)
        except RestRefused as refused:
            record.status, record.error = refused.status, refused.code
            raise
        else:
            record.status, record.answer = 200, _beginning(result)
            return result
        finally:
            record.ms = _since(clock)

    return run_batch(asked.state, asked.values, run)


def _record(
    asked: _Request, name: str, values: dict[str, object], within: int | None = None
) -> CallRecord:
    record = CallRecord(
        id=asked.state.journal.number(),
        method=name,
        params=without_secrets(values),
        user_id=asked.user_id,
        auth=asked.token.kind if asked.token else None,
        app=asked.token.client_id if asked.token else None,
        at=asked.state.clock.now(),
        batch=within is not None,
        within=within,
    )
    asked.state.journal.calls.append(record)
    asked.state.pulse.beat()
    return record


def _since(clock: float) -> float:
    return round((time.perf_counter() - clock) * 1000, 3)


def _beginning(result: object) -> str:
    """The first characters of an answer, for people to read."""
    text = json.dumps(result.items if isinstance(result, Page) else result, ensure_ascii=False)
    return text if len(text) <= _MOST_KEPT else text[:_MOST_KEPT] + "…"


async def _read(request: web.Request, state: State) -> _Request:
    name = request.match_info["method"].strip("/")
    name = name[: -len(".json")] if name.lower().endswith(".json") else name
    try:
        values = {**phpform.decode(request.query_string), **await _body(request)}
    except phpform.FormRefused as refused:
        raise RestRefused("INVALID_REQUEST", str(refused)) from None
    except (ValueError, LookupError, RecursionError):
        raise RestRefused("INVALID_REQUEST", "Malformed body") from None
    access = values.pop("auth", None) or values.pop("access_token", None)
    token = state.find_token(access) if isinstance(access, str) else None
    return _Request(state, name, values, token)


async def _body(request: web.Request) -> dict[str, object]:
    if request.content_type.startswith("multipart/"):
        form = await request.post()
        return phpform.nest((key, text) for key, text in form.items() if isinstance(text, str))
    text = await request.text()
    if not text.strip():
        return {}
    if request.content_type == "application/json" or text.lstrip().startswith("{"):
        value = json.loads(text)
        if not isinstance(value, dict) or not within_depth(value):
            raise ValueError
        return value
    return phpform.decode(text)


def _json(status: int, body: dict[str, object]) -> web.Response:
    return web.Response(
        status=status, body=_dump(body), content_type="application/json", charset="utf-8"
    )


def _dump(body: dict[str, object]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
