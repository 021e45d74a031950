"""Protocol T: the entries of a trustee's next move, T11 to T16 (docs/spec/trustees.md). Pure."""

from __future__ import annotations

from trustee_tools import ceremony as rounds
from trustee_tools.ceremony import RandomBytes, Step, TrusteeSecrets
from trustee_tools.status import Act, Move
from voting.election.ceremony import Ceremony
from voting.protocol.errors import UsageError


def make_steps(
    secrets: TrusteeSecrets, ceremony: Ceremony, move: Move, time: str, random_bytes: RandomBytes
) -> list[Step]:
    """The entries of a move: one, or one for each complaint made or answered.

    Args:
        move: what `next_move` gave for the same ceremony.
        time: moment of making, UTC.
        random_bytes: source of randomness.

    Raises:
        ProofError: if a share to be confirmed does not fit.
        UsageError: if the move is none of the ceremony's.
    """
    match move.act:
        case Act.JOIN:
            return [rounds.join(secrets, ceremony, time)]
        case Act.COMMIT:
            return [rounds.commit(secrets, ceremony, time, random_bytes)]
        case Act.DEAL:
            return [rounds.deal(secrets, ceremony, time)]
        case Act.CONFIRM:
            return [rounds.confirm(secrets, ceremony, time)]
        case Act.COMPLAIN:
            return [rounds.complain(secrets, ceremony, dealer, time) for dealer in move.others]
        case Act.ANSWER:
            return [rounds.answer(secrets, ceremony, recipient, time) for recipient in move.others]
        case _:
            raise UsageError("this is no step of the ceremony", remedy="run `urne-trustee status`")
