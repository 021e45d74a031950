"""`urne election check` and `urne election new`: the definition of an election (docs/guide-administrator.md)."""

from __future__ import annotations

import secrets
from pathlib import Path

import click
import msgspec

from bulletin_board.witness_settings import NO_WITNESSES, WitnessPlace, WitnessSettings
from voting.address import parse_address
from voting.commands.words import moment_text
from voting.crypto.group import GROUP_NAMES
from voting.election_folder import create_election_folder
from voting.files import read_text
from voting.protocol.errors import UsageError
from voting.protocol.manifest import SECONDS_PER_BRANCH_ON_PHONE, Manifest
from voting.protocol.manifest_source import MAX_SOURCE_BYTES, Form, check_source, read_manifest, witness_urls
from voting.protocol.text import plain
from voting.terminal import json_option, print_json, say, tell, toy_option
from voting.translations import language
from voting.translations import text as _

_source = click.argument("source", metavar="MANIFEST", type=click.Path(path_type=Path))
_group = click.option("--group", type=click.Choice(GROUP_NAMES), help="Use this group, whatever the manifest says.")


@click.group()
def election() -> None:
    """Check the definition of an election, and make one from it."""


@election.command()
@_source
@json_option
def check(source: Path, as_json: bool) -> None:
    """Check a MANIFEST (.toml or .json) and show how it will be understood. Nothing is made."""
    manifest = check_source(read_text(source, limit=MAX_SOURCE_BYTES), name=str(source), form=_form(source))
    if as_json:
        print_json(msgspec.to_builtins(manifest))
        return
    for line in manifest_lines(manifest, language()):
        say(line)
    say(_("No problem was found."))


@election.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@_source
@_group
@click.option("--origin", help="The board's name for ever, e.g. board.example/election-1; without it, a random one.")
@toy_option
def new(folder: Path, source: Path, group: str | None, origin: str | None, allow_toy: bool) -> None:
    """Make an election in the new folder DIR from a MANIFEST (.toml or .json): keys, board and first entry.

    Nothing of the manifest can change afterwards. The keys are in DIR/keys: keep them safe.
    """
    text, form = read_text(source, limit=MAX_SOURCE_BYTES), _form(source)

    def make(administrator: bytes, authority: bytes, vkey: str, nonce: str) -> Manifest:
        manifest = read_manifest(
            text,
            name=str(source),
            form=form,
            administrator=administrator,
            authority=authority,
            board_vkey=vkey,
            nonce=nonce,
        )
        manifest = msgspec.structs.replace(manifest, group=group or manifest.group)
        if manifest.crypto_group().is_toy and not allow_toy:
            raise UsageError(
                f"the group {manifest.group} is for tests only and protects nothing",
                remedy="choose another group, or give --allow-toy-group if this is a test",
            )
        return manifest

    witnesses = _witness_settings(text, source, form)
    manifest = create_election_folder(
        folder, make, origin=origin, random_bytes=secrets.token_bytes, witnesses=witnesses
    )
    for line in manifest_lines(manifest, language()):
        say(line)
    say(_("Manifest hash: {hash}", hash=manifest.hash))
    tell(_("The election is in {folder}. See what is next with: urne status {folder}", folder=folder))


def _witness_settings(text: str, source: Path, form: Form) -> WitnessSettings:
    """Whom the board asks to sign, if the source says of every witness where it is asked."""
    manifest = check_source(text, name=str(source), form=form)
    urls = witness_urls(text, name=str(source), form=form)
    if not manifest.witnesses or set(manifest.witnesses) - set(urls):
        return NO_WITNESSES
    places = [WitnessPlace(key, parse_address(urls[key.vkey])) for key in manifest.witness_policy().keys]
    return WitnessSettings(tuple(places), manifest.quorum)


def manifest_lines(manifest: Manifest, wanted: str) -> list[str]:
    """What a manifest says, in words, so that mistakes are seen before they are final."""
    lines = [plain(manifest.title, wanted)]
    names = ", ".join(trustee.name for trustee in manifest.trustees)
    lines.append(
        _("Trustees: {names}; {threshold} of them decrypt together", names=names, threshold=manifest.threshold)
    )
    if manifest.witnesses:
        policy = manifest.witness_policy()
        lines.append(
            _(
                "Witnesses of the board: {names}; {quorum} of them must sign. Up to {tolerated} dishonest ones cannot"
                " help to show different boards to different people",
                names=", ".join(key.name for key in policy.keys),
                quorum=policy.quorum,
                tolerated=policy.tolerated,
            )
        )
    if manifest.schedule is not None:
        for label, moment in (
            (_("Opens:"), manifest.schedule.opens),
            (_("Closes:"), manifest.schedule.closes),
        ):
            lines.append(f"{label} {moment_text(moment)}")
    for number, question in enumerate(manifest.questions, start=1):
        method = str(question.__struct_config__.tag)
        lines.append(
            _(
                "Question {number} ({method}): {title}",
                number=number,
                method=method,
                title=plain(question.title, wanted),
            )
        )
        texts = getattr(question, "options", None) or [each.name for each in getattr(question, "lists", ())]
        lines += [f"  {place}. {plain(text, wanted)}" for place, text in enumerate(texts, start=1)]
    shape = manifest.shape
    lines.append(
        _(
            "Group {group}; a ballot has {values} encrypted values and {branches} proof branches, about {seconds} s on"
            " a phone",
            group=manifest.group,
            values=shape.values,
            branches=shape.branches,
            seconds=f"{shape.branches * SECONDS_PER_BRANCH_ON_PHONE:.1f}",
        )
    )
    return lines


def _form(source: Path) -> Form:
    forms: dict[str, Form] = {".toml": "toml", ".json": "json"}
    form = forms.get(source.suffix.lower())
    if form is None:
        raise UsageError("is neither .toml nor .json", where=str(source), remedy="name it by its form")
    return form
