"""Protocol Q6: asking a web server without trusting it: bounded in bytes and in time (docs/spec/http.md, "Asking").

All requests are made here. Nothing a server says is believed by this module. Texts of the server that reach a person
are cut short and cleaned. Whatever can be repeated without harm is repeated when the network fails.

Imports nothing of Urne but `voting.protocol.errors`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import httpx

from voting.protocol.errors import DecodeError, UnavailableError, UrneError, UsageError, VerificationError

ATTEMPTS = 4
WAITS = (0.5, 1.5, 4.0)
MAX_WAIT = 10.0
"""A server that asks for a longer pause is not waited for, in seconds."""
SECONDS_PER_STEP = 20.0
"""How long to wait for a connection, or for the next bytes."""
SECONDS_PER_ANSWER = 300.0
MAX_ERROR_BYTES = 64 * 1024
MAX_TEXT = 300
_TRY_AGAIN = frozenset({429, 502, 503, 504})


class Refused(UrneError):
    """A server refused a request, in its own words."""

    code = "refused"
    exit_code = 1

    def __init__(self, problem: str, *, status: int, where: str = "", remedy: str = "") -> None:
        super().__init__(problem, where=where, remedy=remedy)
        self.status = status


class Answer(NamedTuple):
    """What a server answered, unchecked."""

    status: int
    data: bytes


def new_http_client() -> httpx.Client:
    """A client for the tools: no redirection, no cookie kept, bounded waits; proxies as the environment says."""
    return httpx.Client(timeout=httpx.Timeout(SECONDS_PER_STEP), follow_redirects=False)


@dataclass
class WebClient:
    """Makes requests. `http` is the caller's to close."""

    http: httpx.Client
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    seconds_per_answer: float = SECONDS_PER_ANSWER
    attempts: int = ATTEMPTS
    headers: Mapping[str, str] = field(default_factory=lambda: {"Accept-Encoding": "identity", "User-Agent": "urne"})

    def get(self, url: str, *, limit: int, query: Mapping[str, str | int] | None = None, fresh: bool = False) -> bytes:
        """Protocol Q6a: the body of a good answer.

        Args:
            limit: the longest answer that is read, in bytes.
            fresh: ask caches on the way for the newest.

        Raises:
            UnavailableError: if the server cannot be reached, is too slow, or breaks off.
            DecodeError: if the answer is longer than `limit`.
            UrneError: what the server refuses, as `refusal` tells.
        """
        return good_answer(self.ask(url, limit=limit, query=query, fresh=fresh), url).data

    def ask(self, url: str, *, limit: int, query: Mapping[str, str | int] | None = None, fresh: bool = False) -> Answer:
        """The answer to a question, whatever its status. Raises as `get` does, but for what the server refuses."""
        headers = {"Cache-Control": "no-cache"} if fresh else {}
        return self._repeat("GET", url, limit=limit, query=query, headers=headers, content=None)

    def post(self, url: str, content: bytes, *, limit: int, headers: Mapping[str, str] | None = None) -> Answer:
        """Protocol Q6b: post JSON that may be sent twice without harm. Raises as `get` does."""
        return good_answer(self.tell(url, content, limit=limit, headers=headers), url)

    def tell(
        self,
        url: str,
        content: bytes,
        *,
        limit: int,
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """The answer to what is posted, whatever its status. Raises as `get` does, but for what the server refuses."""
        all_headers = {"Content-Type": content_type, **(headers or {})}
        return self._repeat("POST", url, limit=limit, query=None, headers=all_headers, content=content)

    def _repeat(self, method: str, url: str, **request: Any) -> Answer:
        """Ask until there is an answer, a few times at most."""
        for attempt in range(self.attempts):
            is_last = attempt == self.attempts - 1
            try:
                answer, pause = self._once(method, url, **request)
            except httpx.InvalidURL:
                raise UsageError("is no web address", where="the address") from None
            except httpx.HTTPError as error:
                if is_last or isinstance(error, httpx.UnsupportedProtocol):
                    raise _unreachable(url, error) from None
                pause = None
            else:
                if is_last or answer.status not in _TRY_AGAIN:
                    return answer
            wait = WAITS[min(attempt, len(WAITS) - 1)]
            self.sleep(wait if pause is None else min(max(pause, wait), MAX_WAIT))
        raise AssertionError("the loop ends by itself")  # pragma: no cover

    def _once(
        self,
        method: str,
        url: str,
        *,
        limit: int,
        query: Mapping[str, str | int] | None,
        headers: Mapping[str, str],
        content: bytes | None,
    ) -> tuple[Answer, float | None]:
        deadline = self.clock() + self.seconds_per_answer
        with self.http.stream(
            method, url, params=query, headers={**self.headers, **headers}, content=content, follow_redirects=False
        ) as answer:
            is_good = answer.is_success
            if "content-encoding" in answer.headers and answer.headers["content-encoding"].lower() != "identity":
                raise DecodeError("is packed, which was not asked for", where=f"the answer of {_host(url)}")
            most = limit if is_good else MAX_ERROR_BYTES
            data = bytearray()
            for chunk in answer.iter_raw():
                data += chunk
                if len(data) > most:
                    if not is_good:
                        break
                    raise DecodeError(f"is longer than the {most} bytes allowed", where=f"the answer of {_host(url)}")
                if self.clock() > deadline:
                    raise httpx.ReadTimeout("too slow")
            if answer.is_redirect:
                return Answer(answer.status_code, answer.headers.get("location", "").encode()), None
            return Answer(answer.status_code, bytes(data)), _pause(answer.headers.get("retry-after"))


@contextmanager
def open_web() -> Iterator[WebClient]:
    """A client with a connection of its own, for the `with` block."""
    with new_http_client() as http:
        yield WebClient(http)


def good_answer(answer: Answer, url: str) -> Answer:
    """An answer whose status is a good one. Raises what `refusal` makes of any other."""
    if 200 <= answer.status < 300:
        return answer
    raise refusal(answer, url)


def refusal(answer: Answer, url: str) -> UrneError:
    """Protocol Q6c: the error that an answer with a bad status stands for. What the server says is quoted as such."""
    told = _told(answer.data)
    host = _host(url)
    message = told["message"] or f"answers with status {answer.status}"
    where = told["where"] or host
    if 300 <= answer.status < 400:
        target = clean(answer.data.decode("utf-8", "replace"))
        return UsageError("sends on to another address", where=host, remedy=f"if it is right, give that one: {target}")
    if answer.status in _TRY_AGAIN or answer.status >= 500:
        return UnavailableError(message, where=host, remedy=told["remedy"] or "try again later")
    if told["check"].isdigit() and len(told["check"]) == 2:
        return VerificationError(told["check"], where, message)
    if answer.status == 404 and not told["code"]:
        return UnavailableError(
            "has no board at this address", where=host, remedy="give the address of the election's page"
        )
    return Refused(message, status=answer.status, where=where, remedy=told["remedy"])


def is_boards_own(answer: Answer) -> bool:
    """Whether an error comes from a board's interface, and not from a web server that knows of no board."""
    return bool(_told(answer.data)["code"])


def _told(data: bytes) -> dict[str, str]:
    """The texts of an error answer; empty where it has another form."""
    texts = dict.fromkeys(("check", "code", "message", "remedy", "where"), "")
    try:
        error = json.loads(data)["error"]
        for name in texts:
            value = error.get(name, "")
            texts[name] = clean(value) if isinstance(value, str) else ""
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return texts
    return texts


def clean(text: str) -> str:
    """A foreign text that may be shown: printable and short. Terminals obey some characters that are not."""
    shown = "".join(c if c.isprintable() else "?" for c in text[: MAX_TEXT + 1])
    return shown if len(shown) <= MAX_TEXT else shown[:MAX_TEXT] + "..."


def _unreachable(url: str, error: httpx.HTTPError) -> UnavailableError:
    kinds: dict[type[httpx.HTTPError], str] = {
        httpx.ConnectTimeout: "does not answer",
        httpx.ConnectError: "cannot be reached",
        httpx.ReadTimeout: "is too slow",
        httpx.WriteTimeout: "is too slow",
        httpx.PoolTimeout: "is too slow",
        httpx.RemoteProtocolError: "broke off its answer",
        httpx.ReadError: "broke off its answer",
    }
    reason = ""
    if isinstance(error, httpx.ConnectError):
        reason = f" ({clean(str(error))})" if str(error) else ""
    return UnavailableError(
        kinds.get(type(error), "cannot be asked") + reason,
        where=_host(url),
        remedy="check the address and your network, and try again: it does no harm",
    )


def _pause(text: str | None) -> float | None:
    return float(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 6 else None


def _host(url: str) -> str:
    try:
        return httpx.URL(url).netloc.decode("ascii", "replace") or "the server"
    except httpx.InvalidURL:
        return "the server"
