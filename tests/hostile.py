"""What nobody means well by: requests as bytes, most of them wrong in one way each."""

import asyncio
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from urllib.parse import urlencode

FORM, JSON = "application/x-www-form-urlencoded", "application/json"
EVENTS = "/bitrix24/events"
STATUS = re.compile(rb"HTTP/1\.[01] (\d\d\d) ")
AT_ONCE = 50
PATIENCE = 150.0

Fields = dict[str, str]


def request(
    body: bytes, path: str = EVENTS, *, kind: str = FORM, method: str = "POST", sender: int = 0,
    more: str = "",
) -> bytes:  # fmt: skip
    """Write a request; ``sender`` is where a proxy says that it is from."""
    address = f"203.{sender >> 16 & 255}.{sender >> 8 & 255}.{sender & 255}"
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: bot\r\nX-Forwarded-For: 198.51.100.7, {address}\r\n"
        f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    )
    return head.encode() + body


def small(event: Fields) -> list[Callable[[int], bytes]]:
    """Give makers of requests that keep their connection; ``event`` is a command's good form."""

    def changed(**fields: str | None) -> bytes:
        """Write the event with other fields; ``data__user`` is ``data[user]``."""
        names = {key: key.replace("__", "[") + "]" * ("__" in key) for key in fields}
        whole = {**event, **{names[key]: value for key, value in fields.items()}}
        return urlencode({key: value for key, value in whole.items() if value is not None}).encode()

    def each(**fields: str | None) -> Callable[[int], bytes]:
        """Write it with a number in the place of ``NUMBER``, from a caller of its own."""
        body = changed(**fields)
        return lambda n: request(body.replace(b"NUMBER", b"%032x" % n), sender=n)

    good = changed()
    guess = changed(auth__application_token="NUMBER")
    lacking = {key: value for key, value in event.items() if not key.startswith("data[user]")}
    nobody, external = (
        urlencode(lacking).encode(),
        urlencode({**event, "data[user][connector]": "1"}).encode(),
    )
    unused = changed(event="ONNUMBER")
    install = changed(event="ONAPPINSTALL", auth__refresh_token=None)
    return [
        # Strangers, each of a portal of his own, and one who guesses a known portal's token.
        each(auth__member_id="NUMBER", auth__application_token="NUMBER"),
        lambda n: request(guess.replace(b"NUMBER", b"%d" % n), sender=n % 7),
        each(auth__application_token=""),
        each(auth__application_token=None, auth__member_id=None),
        each(event="ONAPPUPDATE", auth__application_token="NUMBER"),
        # Nonsense.
        lambda n: request(b"", sender=n),
        lambda n: request(b"\xff\xfe%d" % n, sender=n),
        lambda n: request(b"event=%ED%A0%80&a=%00", sender=n),
        lambda n: request("event=Привет".encode("cp1251"), sender=n),
        lambda n: request("event=1&auth=x".encode("utf-16"), sender=n),
        lambda n: request(b"event" + b"[a]" * (n % 200) + b"=1", sender=n),
        lambda n: request(b"event=1&event[a]=2&[]=%d&[[]]=1" % n, sender=n),
        lambda n: request(b"--x\r\nContent-Disposition: form-data; name=event\r\n\r\n1\r\n--x--",
                          kind="multipart/form-data; boundary=x", sender=n),
        lambda n: request(b"[" * (n % 5_000), kind=JSON, sender=n),
        lambda n: request(b'{"event":"\\ud800\\u0000","auth":{"expires":NaN}}', kind=JSON),
        lambda n: request(b'{"event":' + b"9" * (n % 5_000) + b"}", kind=JSON, sender=n),
        lambda n: request(good[: n % 2_000], sender=n),
        # Known portals that send what is nobody's command.
        lambda n: request(nobody, sender=n),
        lambda n: request(external, sender=n),
        lambda n: request(unused.replace(b"NUMBER", b"%d" % n), sender=n),
        # The other addresses.
        lambda n: request(install, "/bitrix24/install", sender=n),
        lambda n: request(b"AUTH_ID=1&member_id=%d" % n, "/bitrix24/app", sender=n),
        lambda n: request(b"session=%d&view=csv" % n, "/bitrix24/app", sender=n),
        lambda n: request(b"", f"/bitrix24/connect?ticket={n}", method="GET", sender=n),
        lambda n: request(b"", f"/bitrix24/oauth?state={n}&code=%00", method="GET", sender=n),
        lambda n: request(b"", f"/{n}/..%2f..%00/.env", method="GET", sender=n),
        lambda n: request(b"", method="DELETE", sender=n),
    ]  # fmt: skip


def large() -> list[Callable[[int], bytes]]:
    """Give makers of requests that are large, or wrong as HTTP: each needs its connection."""
    keys = b"&".join(b"key%d=1" % number for number in range(10_001))
    deep = b"&".join(b"k%d" % number + b"[a]" * 19 + b"=1" for number in range(9_000))
    bomb = zlib.compress(b"event=" + b"x" * 50_000_000)
    return [
        lambda n: request(keys, sender=n),
        lambda n: request(deep, sender=n),
        lambda n: request(b'{"a":[' + b"[]," * 300_000 + b"[]]}", kind=JSON, sender=n),
        lambda n: request(b"event=" + b"x" * 1_048_570, sender=n),
        lambda n: request(b"event=" + b"x" * 1_048_576, sender=n),
        lambda n: request(bomb, more="Content-Encoding: deflate\r\n", sender=n),
        lambda n: request(bomb[:500], more="Content-Encoding: deflate\r\n", sender=n),
        lambda n: request(b"event=1", more="Content-Encoding: gzip\r\n", sender=n),
        lambda n: request(b"x", more=f"X-Long: {'x' * 9_000}\r\n", sender=n),
        lambda n: request(b"x", more="X-Many: 1\r\n" * 200, sender=n),
        lambda n: request(b"x", more="Content-Length: 7\r\n", sender=n),
        lambda n: request(b"x", more="Transfer-Encoding: chunked\r\n", sender=n),
        lambda n: b"POST / HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        lambda n: b"GET " + b"/" * 9_000 + b" HTTP/1.1\r\nHost: b\r\n\r\n",
        lambda n: b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
        lambda n: b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    ]  # fmt: skip


async def flood(
    port: int, makers: Sequence[Callable[[int], bytes]], count: int, lanes: int, pipelined: int
) -> Counter[int]:
    """Send ``count`` requests over so many connections at a time, and give the answers."""
    answers: Counter[int] = Counter()
    numbers = iter(range(count))

    async def lane() -> None:
        while chunk := list(islice(numbers, pipelined)):
            wanted = [makers[number % len(makers)](number) for number in chunk]
            answers.update(await exchange(port, b"".join(wanted), len(wanted)))

    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*(lane() for _ in range(lanes)))
    return answers


async def exchange(port: int, sent: bytes, count: int) -> list[int]:
    """Send bytes and give the statuses that come back; 0 for each answer that does not."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    statuses: list[int] = []
    tail = b""
    try:
        writer.write(sent)
        while len(statuses) < count and (got := await reader.read(65_536)):
            text = tail + got
            statuses += [int(one) for one in STATUS.findall(text)]
            end = max((found.end() for found in STATUS.finditer(text)), default=0)
            tail = text[max(end, len(text) - 12) :]
    except ConnectionError:
        pass
    finally:
        writer.transport.abort()
    return statuses + [0] * (count - len(statuses))


async def dribble(port: int, count: int) -> Counter[int]:
    """Open connections that begin a body and never finish it; give what they are told."""
    begun = request(b"event=" + b"x" * 20_000)[:400]
    told = await asyncio.gather(*(exchange(port, begun, 1) for _ in range(count)))
    return Counter(status for statuses in told for status in statuses)


def memory(pid: int) -> Iterator[tuple[str, float]]:
    """Give the resident memory of a process and its peak, in MiB."""
    with open(f"/proc/{pid}/status") as file:
        for line in file:
            name, _, value = line.partition(":")
            if name in ("VmRSS", "VmHWM"):
                yield name, int(value.split()[0]) / 1024
