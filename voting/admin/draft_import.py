"""A manifest source that somebody wrote or exported, taken into a draft (docs/spec/manifest.md, M16).

Pure; it must not import flask, the store or any page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from voting.admin.drafts import NUMBERS, Draft, DraftList, DraftQuestion, DraftTrustee, DraftWitness
from voting.protocol.manifest import Manifest
from voting.protocol.manifest_source import Form, check_source, witness_urls
from voting.protocol.methods import CandidateList
from voting.protocol.moment import parse_moment


def read_source(text: str, *, name: str) -> Manifest:
    """The manifest that a source stands for; JSON if it begins with a brace, else TOML. Raises InputErrors."""
    return check_source(text, name=name, form=_form(text))


def read_witness_urls(text: str, *, name: str) -> dict[str, str]:
    """Where a source says that its witnesses are asked, by their keys. Raises InputErrors."""
    return witness_urls(text, name=name, form=_form(text))


def _form(text: str) -> Form:
    return "json" if text.lstrip("\ufeff \t\r\n").startswith("{") else "toml"


def with_source(draft: Draft, manifest: Manifest, urls: Mapping[str, str] = MappingProxyType({})) -> Draft:
    """The draft with everything that a manifest source says; addresses and site settings stay.

    Args:
        urls: where the source says that its witnesses are asked.
    """
    places = {witness.vkey: witness.url for witness in draft.witnesses} | dict(urls)
    mails = {trustee.name: trustee.email for trustee in draft.trustees}
    zone = ZoneInfo(draft.zone)
    times = [""] * 2
    if manifest.schedule is not None:
        moments = (manifest.schedule.opens, manifest.schedule.closes)
        times = [f"{parse_moment(moment).astimezone(zone):%Y-%m-%dT%H:%M}" for moment in moments]
    return msgspec.structs.replace(
        draft,
        languages=manifest.languages,
        title=manifest.title,
        description=manifest.description or {},
        contact=manifest.contact,
        group=manifest.group,
        trustees=tuple(DraftTrustee(name=t.name, email=mails.get(t.name, "")) for t in manifest.trustees),
        threshold=str(manifest.threshold),
        opens=times[0],
        closes=times[1],
        questions=tuple(_draft_question(question) for question in manifest.questions),
        witnesses=tuple(DraftWitness(vkey=vkey, url=places.get(vkey, "")) for vkey in manifest.witnesses),
        quorum=str(manifest.quorum) if manifest.witnesses else "",
    )


def _draft_question(question: Any) -> DraftQuestion:
    method = str(question.__struct_config__.tag)
    fields = {field.encode_name: getattr(question, field.name) for field in msgspec.structs.fields(question)}
    lists: Sequence[CandidateList] = fields.get("lists", ())
    return DraftQuestion(
        method=method,
        title=question.title,
        description=question.description or {},
        options=tuple(fields.get("options", ({}, {}))),
        grades=tuple(fields.get("grades", ())),
        lists=tuple(DraftList(name=each.name, candidates=each.candidates) for each in lists),
        numbers={name: str(fields[name]) for name in NUMBERS[method]},
        points=", ".join(str(points) for points in fields.get("points", ())),
        blank=fields.get("blank", False),
        rule=fields.get("rule", ""),
    )
