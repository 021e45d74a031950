"""Which trustee a key file is, in one election (docs/spec/trustees.md).

A key file names no election and no trustee: its keys are derived for both. So the board's keys tell who one is, once
one has joined; before that, the user says it.
"""

from __future__ import annotations

from trustee_tools.ceremony import TrusteeSecrets
from trustee_tools.sources import ElectionView
from voting.protocol.errors import UsageError
from voting.protocol.manifest import Manifest


def published_index(view: ElectionView, seed: bytes) -> int | None:
    """The trustee who has joined the present ceremony with this key file, or None."""
    for index, trustee in view.record.require_ceremony().trustees.items():
        if trustee.signing_key is None:
            continue
        if TrusteeSecrets(seed, view.manifest, index).signing_key.verify_key == trustee.signing_key:
            return index
    return None


def require_published(view: ElectionView, seed: bytes) -> TrusteeSecrets:
    """The keys of the trustee who has joined with this key file. Raises UsageError if there is none."""
    index = published_index(view, seed)
    if index is None:
        raise UsageError(
            "no trustee of this election's ceremony has joined with this key file",
            remedy="use the key file you joined with",
        )
    return TrusteeSecrets(seed, view.manifest, index)


def parse_who(manifest: Manifest, index: int | None, name: str | None) -> int | None:
    """Which trustee the user says they are, by number or by name; None if they say nothing.

    Raises:
        UsageError: if there is no such trustee, or number and name do not fit.
    """
    if index is not None and not 1 <= index <= len(manifest.trustees):
        raise UsageError(f"there is no trustee {index}", remedy=_choices(manifest))
    if name is None:
        return index
    wanted = name.strip().casefold()
    found = [i for i, info in enumerate(manifest.trustees, start=1) if info.name.casefold() == wanted]
    if index in found:
        return index
    if len(found) != 1 or index is not None:
        raise UsageError("--name names no trustee, or another than --index", remedy=_choices(manifest))
    return found[0]


def find_trustee(view: ElectionView, seed: bytes, *, given: int | None, noted: int | None) -> TrusteeSecrets:
    """The trustee that this key file is, or is about to become.

    Args:
        given: who the user says they are.
        noted: who the notes of an earlier run say they are.

    Raises:
        UsageError: if nothing says who they are, what says it contradicts itself, or that trustee has another key file.
    """
    manifest = view.manifest
    published = published_index(view, seed)
    known = published or noted
    if known is None and given is None:
        raise UsageError(
            "this key file has not joined this election", remedy=f"say who you are with --index: {_choices(manifest)}"
        )
    index = known or given or 0
    if given is not None and given != index:
        raise UsageError(
            f"this key file is that of trustee {index} ({manifest.trustees[index - 1].name}), not of trustee {given}",
            remedy="every trustee has a key file of their own",
        )
    trustee = view.record.require_ceremony().trustees.get(index)
    if published is None and trustee is not None and trustee.signing_key is not None:
        raise UsageError(
            f"trustee {index} ({trustee.name}) has joined with another key file",
            remedy="use the key file you joined with; if you never joined, tell the administrator and all trustees: "
            "somebody took your place",
        )
    return TrusteeSecrets(seed, manifest, index)


def _choices(manifest: Manifest) -> str:
    return "; ".join(f"{index} {info.name}" for index, info in enumerate(manifest.trustees, start=1))
