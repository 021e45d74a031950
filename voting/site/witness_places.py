"""Protocol S18d: where the witnesses of an election's board are asked, changed while the site runs (L22a).

Who they are, and how many must sign, is in the manifest and final. Where each is asked is not: a server may move.
It must not import flask.
"""

from __future__ import annotations

from collections.abc import Mapping

from bulletin_board.files import write_whole
from bulletin_board.witness_settings import WITNESSES, WitnessPlace, WitnessSettings, format_witness_settings
from voting.address import Address, parse_address
from voting.election_folder import board_folder
from voting.protocol.errors import InputErrors, Problem, UsageError
from voting.protocol.manifest import Manifest
from voting.site.elections import HostedElection


def parse_witness_address(typed: str) -> Address:
    """Where a witness is asked. Raises UsageError."""
    try:
        return parse_address(typed.strip())
    except UsageError:
        raise UsageError(
            "is not the web address of a witness", remedy="write it like https://witness.example"
        ) from None


def witness_field(number: int) -> str:
    """How a form names the address of the manifest's witness of this number, counted from 1."""
    return f"witnesses[{number}].url"


def change_witness_addresses(hosted: HostedElection, manifest: Manifest, typed: Mapping[str, str]) -> None:
    """Ask the witnesses of a manifest at other addresses from now on. What waits is written first.

    Args:
        typed: by `witness_field`; an empty address means that this witness is not asked.

    Raises:
        InputErrors: with all that is wrong; nothing is changed then.
        UnavailableError: if the file cannot be written.
    """
    policy = manifest.witness_policy()
    problems: list[Problem] = []
    places = []
    for number, key in enumerate(policy.keys, start=1):
        url = typed.get(witness_field(number), "").strip()
        if not url:
            continue
        try:
            places.append(WitnessPlace(key, parse_witness_address(url)))
        except UsageError as error:
            problems.append(Problem(witness_field(number), error.problem, error.remedy))
    if not problems and len(places) < policy.quorum:
        problems.append(Problem("witnesses", "fewer witnesses would be asked than must sign", "give more addresses"))
    if problems:
        raise InputErrors("witnesses", problems)
    data = format_witness_settings(WitnessSettings(tuple(places), policy.quorum))
    write_whole(board_folder(hosted.folder) / WITNESSES, data)
    hosted.ask_witnesses_anew()
