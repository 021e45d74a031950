"""What comes over HTTP: posts to a board, to a witness, to the voters' pages and to the administrator's.

An answer of status 500 is a fault, and so is an exception that leaves the application.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from random import Random
from urllib.parse import quote

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from bulletin_board.witness import Witness, format_request
from bulletin_board.witness_server import create_witness_app
from bulletin_board.witness_store import WitnessStore
from tests.fuzz.changes import change
from tests.fuzz.target import Make, Target
from tests.simulators.admin import AdminSite, sound_draft
from tests.simulators.election import BOARD_KEY
from tests.simulators.hosted import HostedSimulator
from tests.simulators.posted import PublicSiteSimulator
from tests.simulators.record import ORIGIN, checkpoint_of, sample_election
from tests.simulators.site import QUESTION
from tests.simulators.witnesses import Clock, witness_key
from voting.protocol.tlog.note import TYPE_COSIGNATURE, note_key
from voting.site.web import limiter

FORM = "application/x-www-form-urlencoded"
_BLANK = re.compile(r"<(?:[^:>]*(?:\([^)]*\))?:)?(\w+)>")
_NAMES = {"name": "club", "number": "1", "kind": "invitation", "token": "A" * 22, "page": "vote", "seq": "0"}
_FIELDS = (
    "do", "title[en]", "languages", "contact", "trustees[1].name", "threshold", "group", "opens", "closes", "zone",
    "quorum", "witnesses[1]", "witnesses[1].url", "options[1][en]", "minimum", "maximum", "method", "attempt",
    "exclude", "deletion", "whom", "page", "voters", "account", "confirm", "words", "email", "weight", "identifier",
    "language", "text", "reason", "password", "code",
)  # fmt: skip
_VALUES = (
    "1", "0", "-1", "save", "remove:1", "add", "club", "draft", "en fr", "2026-12-01 08:00", "2026-12-01T08:00",
    "Europe/Paris", "a@b.c", "id,email\nada,ada@example.org", "9" * 30, "²", "\0", "\u202e", "<b>", "%s{0}", "choose",
    "lists", "up:2", "x" * 5000,
)  # fmt: skip


def web_targets(folder: Path) -> Iterator[Target]:
    """A site with a draft and a frozen election, and a witness."""
    for name in ("public", "admin"):
        (folder / name).mkdir()
    public = PublicSiteSimulator(folder / "public")
    election = sample_election(until="voting")
    public.host("club", election)
    admin = AdminSite(folder / "admin")
    admin.add_draft("draft", sound_draft())
    HostedSimulator(admin.settings.data, [QUESTION], name="club", elections=admin.services.elections)
    admin.services.site.adopt("club", admin.account("editor").id, admin.clock.at())
    browser = admin.browser()
    token = browser.get("/admin/new").form("Make").fields["csrf_token"]
    ballots = [
        b'{"attachment":%s,"body":%s,"type":"%s"}' % (entry.hints or b"null", entry.body, entry.header.type.encode())
        for entry in election.board.entries[-3:]
    ]
    post = partial(_post, public.app.test_client(), "/e/club/log/entries", "application/json")
    yield Target("post to a board", post, ballots, seconds=5)
    yield Target("question to a board", partial(_get, public.app.test_client()), (), _addresses(public.app), 5, 4)
    yield _witness(folder, checkpoint_of(election.board.entries))
    yield Target("administrator's form", partial(_form, browser.client, token), (), _forms(admin.app), 10, 2)
    yield Target("administrator's page", partial(_get, browser.client), (), _addresses(admin.app), 10, 2)


def _witness(folder: Path, note: bytes) -> Target:
    key = witness_key("w.example/1")
    store = WitnessStore.create(folder / "witness.db")
    store.set_key(note_key("w.example/1", key.verify_key, TYPE_COSIGNATURE).vkey)
    logs = {ORIGIN: (note_key(ORIGIN, BOARD_KEY.verify_key),)}
    client = create_witness_app(Witness(store, "w.example/1", key, lambda: logs, clock=Clock())).test_client()
    post = partial(_post, client, "/add-checkpoint", "text/plain")
    return Target("request to a witness", post, [format_request(0, (), note), format_request(5, (bytes(32),), note)])


def _post(client: FlaskClient, address: str, content_type: str, data: bytes) -> None:
    _require_words(client.post(address, data=data, content_type=content_type), address)


def _form(client: FlaskClient, token: str, data: bytes) -> None:
    """First line: the address. Then what the form holds, with a token that is right, so that it is looked at."""
    address, _, form = data.decode("utf-8", "replace").partition("\n")
    limiter.reset()
    _require_words(client.post(address, data=f"csrf_token={quote(token)}&{form}", content_type=FORM), address)


def _get(client: FlaskClient, data: bytes) -> None:
    limiter.reset()
    _require_words(client.get(data.decode("ascii", "replace")), data.decode("ascii", "replace"))


def _require_words(answer: TestResponse, address: str) -> None:
    """An answer in words: neither a fault of the program nor an empty page."""
    with answer:
        assert answer.status_code < 500, f"{answer.status} at {address[:300]}"


def _addresses(app: Flask) -> Make:
    """An address of the application with odd values in it, and odd questions behind it."""
    rules = sorted({rule.rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())})

    def make(chance: Random) -> bytes:
        address = _filled(chance.choice(rules), chance)
        if chance.random() < 0.6:
            names = (
                "page",
                "start",
                "stop",
                "index",
                "size",
                "old",
                "new",
                "body",
                "tracker",
                "entry",
                "lang",
                "texts",
            )
            questions = [f"{chance.choice(names)}={_odd(chance)}" for _ in range(chance.choice((1, 2, 2)))]
            address += "?" + "&".join(questions)
        return address.encode("ascii")

    return make


def _forms(app: Flask) -> Make:
    """An address that takes forms, and a form of fields that occur on some page."""
    taken = ("logout", "password", "login", "accounts")
    found = {rule.rule for rule in app.url_map.iter_rules() if "POST" in (rule.methods or ())}
    rules = sorted(rule for rule in found if not any(word in rule for word in taken))

    def make(chance: Random) -> bytes:
        fields = [f"{quote(chance.choice(_FIELDS))}={_odd(chance)}" for _ in range(chance.choice((1, 4, 12)))]
        form = "&".join(fields).encode("ascii")
        if chance.random() < 0.2:
            form = change(form, chance, [])
        return _filled(chance.choice(rules), chance).encode("ascii") + b"\n" + form

    return make


def _filled(rule: str, chance: Random) -> str:
    """A route with values in its blanks: mostly ones that lead somewhere."""

    def value(blank: re.Match[str]) -> str:
        if chance.random() < 0.2:
            return _odd(chance)
        usual = _NAMES.get(blank.group(1), "1")
        return chance.choice(("club", "draft")) if usual == "club" else usual

    return _BLANK.sub(value, rule)


def _odd(chance: Random) -> str:
    text = chance.choice(_VALUES).encode()
    return quote(change(text, chance, []) if chance.random() < 0.3 else text, safe="")[:20_000]
