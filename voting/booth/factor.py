"""The endpoints of the voters' second factor: a one-time code by e-mail, asked for before the questions.

The service that sends and checks codes is `voting.site.factor`; here is only its web form. Answers are JSON; errors
have a short code by which the booth chooses its sentence. Nothing here is logged, and no error holds an address or a
one-time code.
"""

from __future__ import annotations

from typing import Any, Protocol

import msgspec
from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from voting.protocol.encoding import encode
from voting.protocol.errors import DecodeError, UrneError
from voting.site.elections import Elections, HostedElection

JSON = "application/json"
MAX_REQUEST_BYTES = 4096


class FactorService(Protocol):
    """Sends one-time codes and checks them. Raises UrneError whose `code` is one of `STATUS`."""

    def request(self, election: HostedElection, credential: str, time: str, signature: str) -> str:
        """Send a code to this voter; gives a hint at the address."""

    def confirm(self, election: HostedElection, credential: str, code: str, signature: str) -> str:
        """Take a code back; gives the token that must come with the ballot."""


STATUS = {
    "factor-none": 404,
    "factor-signature": 403,
    "factor-unknown": 403,
    "factor-no-address": 409,
    "factor-wrong": 403,
    "factor-expired": 410,
    "factor-too-many": 409,
}
"""Error code of the service -> HTTP status."""


class FactorRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`credential` and `signature` in base64url; `signature` is over the manifest's hash and `time`."""

    credential: str
    time: str
    signature: str

    def __repr__(self) -> str:
        return "<FactorRequest>"


class FactorConfirmation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The six digits from the e-mail; `signature` is over the manifest's hash and `code`."""

    credential: str
    code: str
    signature: str

    def __repr__(self) -> str:
        return "<FactorConfirmation>"


def factor_blueprint(elections: Elections, service: FactorService) -> Blueprint:
    """The second factor's endpoints; no cookies are used, so the app exempts them from CSRF checks."""
    pages = Blueprint("factor", __name__)

    @pages.post("/e/<name>/factor/request")
    def send(name: str) -> ResponseReturnValue:
        asked = _posted(FactorRequest)
        hint = service.request(elections.get(name), asked.credential, asked.time, asked.signature)
        return _json({"hint": hint})

    @pages.post("/e/<name>/factor/confirm")
    def confirm(name: str) -> ResponseReturnValue:
        given = _posted(FactorConfirmation)
        return _json({"token": service.confirm(elections.get(name), given.credential, given.code, given.signature)})

    @pages.errorhandler(UrneError)
    def refused(error: UrneError) -> ResponseReturnValue:
        status = STATUS.get(error.code, 400)
        return _json({"error": {"code": error.code, "message": error.problem, "remedy": error.remedy}}, status)

    return pages


def _posted(kind: Any) -> Any:
    data = request.get_data(cache=False) if (request.content_length or 0) <= MAX_REQUEST_BYTES else b""
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, UnicodeError):
        raise DecodeError("is not what this address takes", where="the request") from None


def _json(data: object, status: int = 200) -> Response:
    return Response(encode(data), status, mimetype=JSON, headers={"Cache-Control": "no-store"})
