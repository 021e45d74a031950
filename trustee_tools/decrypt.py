"""Protocol T28: a trustee's share of the tally, after the trustee has recomputed that tally (docs/spec/tally.md).

A trustee's key can open any ciphertext. It is used once per election, on one thing: the product of the counted ballots.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from functools import partial

from trustee_tools.ceremony import Step, TrusteeSecrets, decryption_secret
from trustee_tools.recount import PublishedBallot, RecountSetup, count_part
from trustee_tools.sources import ElectionView
from voting.election.ballots import BALLOT
from voting.election.decryption import decode_totals, make_share
from voting.election.duplicates import CiphertextRegister
from voting.election.record import require_tally
from voting.election.tally import Accumulator, verify_tally
from voting.parallel import in_parts, map_in_order
from voting.protocol.encoding import Hash, encode, to_base64
from voting.protocol.entries import parse_body, sign_content
from voting.protocol.errors import UsageError, VerificationError

TALLY_SHARE = "tally.share"
BALLOTS_AT_ONCE = 20
"""How many ballots a process is given at a time: about a second's work at real size."""


def verify_tally_from_ballots(
    view: ElectionView, *, quick: bool = False, jobs: int = 1, progress: Callable[[], None] | None = None
) -> None:
    """Protocol T28 (checks 11 to 15, and 17): the published tally is the product of the counted, valid ballots.

    Args:
        view: an election that has been tallied.
        quick: leave signatures, proofs and copies of the ballots to others; shape, group and product are checked.
        jobs: how many processes check ballots; which are valid, and the product, do not depend on it.
        progress: called after each ballot.

    Raises:
        VerificationError: for the first ballot that is not valid, or if the tally is not the product.
    """
    record = view.record
    published = require_tally(record)
    accumulator = Accumulator(record.group, view.manifest.shape)
    register = CiphertextRegister()
    context = record.ballot_context()
    joint_key = to_base64(context.key.element.encode())
    setup = RecountSetup(encode(context.manifest), context.election, joint_key, quick)
    waiting: deque[list[PublishedBallot]] = deque()

    def parts() -> Iterator[list[PublishedBallot]]:
        for part in in_parts(_ballots(view), BALLOTS_AT_ONCE):
            waiting.append(part)
            yield part

    for counted in map_in_order(partial(count_part, setup), parts(), jobs):
        for ballot in waiting.popleft()[: counted.valid]:
            if not quick:
                subject = f"entry {ballot.seq} ({BALLOT})"
                content = parse_body(BALLOT, ballot.body, what=subject).content
                register.verify_new(content, subject=subject)
                register.add(content)
            if progress is not None:
                progress()
        if counted.fault is not None:
            raise counted.fault
        accumulator.merge(counted.tally)
    verify_tally(published, accumulator.tally(), subject="tally.encrypted")


def require_first_share(view: ElectionView, index: int, signed_before: Hash | None) -> None:
    """Protocol T29: a trustee makes a share of one tally per election.

    Args:
        index: the trustee's.
        signed_before: hash of the tally that a share was made for in the past, from the trustee's notes.

    Raises:
        UsageError: if there is no tally to decrypt now, or this trustee's share is on the board already.
        VerificationError: (check 16) if a share was made for another tally.
    """
    record = view.record
    if index in record.shares:
        raise UsageError("your share is on the board already", remedy="there is nothing left for you to do")
    if record.result is not None:
        raise UsageError("the result is published already", remedy="no share is needed any more")
    if record.cancelled is not None:
        raise UsageError("the election was cancelled", remedy="nothing of it may be decrypted")
    if record.tally is None:
        raise UsageError("there is no tally to decrypt yet", remedy="`urne-trustee status` says whose move it is")
    if signed_before is not None and signed_before != record.tally_hash:
        raise VerificationError(
            "16",
            "tally.encrypted",
            "is a second tally: this key file has made a share of another one; tell the other trustees",
            expected=signed_before,
            found=str(record.tally_hash),
        )


def tally_share(secrets: TrusteeSecrets, view: ElectionView, time: str, random_bytes: Callable[[int], bytes]) -> Step:
    """The entry (D5) with this trustee's share. The caller has made the checks above, and has noted the tally.

    Raises:
        ProofError, UsageError: if the key file does not give this trustee's share of the key.
    """
    record, ceremony = view.record, view.record.require_ceremony()
    tally = require_tally(record)
    if record.election is None or record.tally_hash is None:
        raise UsageError("there is no tally to decrypt yet")
    share = make_share(
        decryption_secret(secrets, ceremony),
        ceremony.verification_key(secrets.index),
        decode_totals(record.group, tally, subject="tally.encrypted"),
        election=record.election,
        tally=record.tally_hash,
        index=secrets.index,
        time=time,
        random_bytes=random_bytes,
    )
    return Step(TALLY_SHARE, sign_content(TALLY_SHARE, view.manifest.hash, share, secrets.signing_key))


def _ballots(view: ElectionView) -> Iterator[PublishedBallot]:
    counted = {reference.seq: view.record.credentials[key] for key, reference in view.record.last_ballot.items()}
    places = [reference.seq for reference in view.record.ballots]
    for seq, body in zip(places, view.bodies(places), strict=True):
        yield PublishedBallot(seq, body, counted.get(seq, 0))
