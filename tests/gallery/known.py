"""The gallery: forgeries that tests/tamper/test_verifier_tamper.py makes as well, with who mounts them and why."""

from __future__ import annotations

from typing import NamedTuple

from tests.gallery.making import Forgery, broken
from tests.tamper import test_verifier_tamper as tamper


class Known(NamedTuple):
    """A forgery of that module, by the name of its function."""

    forge: str
    what: str
    by: str
    attacks: tuple[int, ...]
    sentence: str


KNOWN = (
    Known("bad_manifest", "threshold-zero", "administrator", (15,), "The manifest lets no trustee at all decrypt."),
    Known(
        "board_that_is_a_witness",
        "board-key-that-cosigns",
        "administrator",
        (5,),
        "The key of the board in the manifest is of the type that witnesses have.",
    ),
    Known(
        "board_whose_name_is_no_address",
        "board-name-that-is-no-origin",
        "administrator",
        (64,),
        "The name of the board in the manifest is no origin of a log.",
    ),
    Known("dropped_entry", "dropped-entry", "board", (32, 33), "An entry is left out; the headers show the gap."),
    Known(
        "changed_opening_body",
        "changed-opening",
        "board",
        (32,),
        "The number of voters in the opening is changed, its header is not.",
    ),
    Known(
        "opening_header_with_white_space",
        "opening-header-with-white-space",
        "board",
        (37,),
        "The header of the opening is not canonical, so that the opening is left out.",
    ),
    Known("body_with_white_space", "body-with-white-space", "board", (37,), "A body has a space that changes nothing."),
    Known("changed_body", "changed-notice", "board", (32,), "The text of a notice is changed, its header is not."),
    Known("changed_result_body", "changed-result", "board", (32, 40), "The totals are changed, the header is not."),
    Known("header_with_white_space", "header-with-white-space", "board", (37,), "A header has a space."),
    Known("missing_body", "missing-body", "board", (68,), "The last header has no body."),
    Known(
        "checkpoint_by_a_stranger", "checkpoint-by-a-stranger", "organiser", (34,), "Another key signed the checkpoint."
    ),
    Known("older_checkpoint", "older-checkpoint", "board", (33, 34), "The checkpoint does not cover the last entry."),
    Known("checkpoint_with_another_root", "another-root", "board", (34,), "The checkpoint has another root."),
    Known(
        "checkpoint_that_is_none", "no-checkpoint", "board", (32,), "The file of the checkpoint holds something else."
    ),
    Known("another_vkey", "another-vkey", "organiser", (56,), "The record names another key than the manifest."),
    Known("ballot_after_closing", "ballot-after-closing", "board", (36, 38), "A ballot comes after the closing."),
    Known("ballot_before_opening", "ballot-before-opening", "board", (36,), "A ballot comes before the opening."),
    Known("repeated_ballot", "old-ballot-again", "voter", (22,), "An earlier ballot is put on the board once more."),
    Known("second_result", "second-result", "administrator", (36,), "A second result follows the first."),
    Known("unknown_type", "unknown-type", "board", (36,), "An entry is of a type that does not exist."),
    Known(
        "wrong_number_of_ballots",
        "wrong-number-of-ballots",
        "administrator",
        (39,),
        "The closing says that fewer ballots came than there are.",
    ),
    Known("backdated_notice", "backdated-notice", "administrator", (38,), "A notice bears a time before the last one."),
    Known(
        "ballot_of_another_election",
        "ballot-of-another-election",
        "voter",
        (4, 25),
        "A ballot names another election, and is signed as one of this.",
    ),
    Known("notice_by_a_stranger", "notice-by-a-stranger", "board", (70,), "Somebody else signed a notice."),
    Known("result_by_a_stranger", "result-by-a-stranger", "board", (40, 70), "Somebody else signed the result."),
    Known(
        "credentials_by_the_administrator",
        "credentials-by-the-administrator",
        "administrator",
        (27, 70),
        "The administrator signed the list of credentials in the authority's place.",
    ),
    Known(
        "confirmation_by_a_stranger",
        "confirmation-by-a-stranger",
        "board",
        (47, 70),
        "Somebody else confirmed for a trustee.",
    ),
    Known(
        "false_proof_of_knowledge",
        "false-proof-of-knowledge",
        "trustee",
        (50,),
        "A trustee's proof of knowledge has another response.",
    ),
    Known(
        "other_coefficients",
        "other-coefficients-than-committed",
        "trustee",
        (46,),
        "A trustee publishes other commitments than round 1 has hashed.",
    ),
    Known(
        "opened_without_a_confirmation",
        "opened-without-a-confirmation",
        "administrator",
        (47,),
        "Voting is opened before the last trustee has confirmed.",
    ),
    Known(
        "trustee_under_another_name",
        "trustee-under-another-name",
        "trustee",
        (47,),
        "A trustee joins under another name.",
    ),
    Known("complaint_about_oneself", "complaint-about-oneself", "trustee", (47,), "A trustee complains about itself."),
    Known(
        "key_of_the_server",
        "key-of-the-server",
        "administrator",
        (50,),
        "The opening names a key that the server knows.",
    ),
    Known(
        "confirmation_of_another_key",
        "confirmation-of-another-key",
        "trustee",
        (47,),
        "A trustee confirms another joint key than the ceremony made.",
    ),
    Known(
        "credential_listed_twice",
        "credential-listed-twice",
        "authority",
        (24, 30),
        "A list is published a second time.",
    ),
    Known("credential_without_weight", "weight-zero", "authority", (29,), "A credential has the weight 0."),
    Known(
        "wrong_number_of_voters", "wrong-number-of-voters", "administrator", (30,), "The opening counts one voter more."
    ),
    Known(
        "opening_with_other_lists",
        "opening-with-another-list",
        "administrator",
        (27,),
        "The opening names another list.",
    ),
    Known(
        "opening_with_another_manifest",
        "opening-with-another-manifest",
        "administrator",
        (56,),
        "The opening names another manifest.",
    ),
    Known(
        "booth_file_without_a_hash",
        "booth-file-without-a-hash",
        "administrator",
        (61,),
        "The opening names a file of the booth, but not what is in it.",
    ),
    Known(
        "ballot_signed_by_a_stranger",
        "ballot-signed-by-a-stranger",
        "board",
        (28,),
        "A ballot is cast with a public credential, by somebody who does not have its key.",
    ),
    Known(
        "ballot_of_an_unlisted_voter",
        "unlisted-voter",
        "voter",
        (27,),
        "A credential that is not listed casts a ballot.",
    ),
    Known("negated_ciphertext", "negated-alpha", "voter", (16,), "An alpha is replaced by p - alpha."),
    Known(
        "missing_proof", "missing-overall-proof", "voter", (10, 14), "The proof of the number of choices is missing."
    ),
    Known("scalar_out_of_range", "scalar-q", "voter", (7, 8), "A response is q."),
    Known(
        "swapped_ciphertexts", "swapped-ciphertexts", "voter", (21,), "The ciphertexts of two options change places."
    ),
    Known("other_challenge", "other-challenge", "voter", (2,), "The challenge is another number than the hash."),
    Known(
        "copied_ballot",
        "copied-ballot",
        "voter",
        (4, 20),
        "A voter casts another voter's ciphertexts and proofs under the own credential.",
    ),
    Known("tally_of_too_few", "too-few-counted", "administrator", (39,), "The tally says that fewer ballots count."),
    Known(
        "tally_with_a_replaced_ballot",
        "replaced-ballot-counted",
        "administrator",
        (39,),
        "The product holds a ballot that was replaced, in the place of the one that counts.",
    ),
    Known(
        "tally_with_one_ballot_twice",
        "one-ballot-for-another",
        "administrator",
        (39,),
        "The product leaves out a ballot and counts another one three times.",
    ),
    Known("false_share_proof", "false-share-proof", "trustee", (1, 41), "The proof of a share has another response."),
    Known("share_with_another_factor", "swapped-factors", "trustee", (41, 42), "The factors of a share change places."),
    Known("share_by_a_stranger", "share-by-a-stranger", "board", (41, 70), "Somebody else signed a trustee's share."),
    Known("share_of_another_tally", "share-of-another-tally", "trustee", (42, 45), "A share is for another tally."),
    Known(
        "shares_of_a_tally_that_cannot_be_read",
        "total-that-cannot-be-read",
        "administrator",
        (16, 39),
        "After the trustees' shares the tally is changed to what is no ciphertext.",
    ),
    Known("result_with_one_share", "result-with-one-share", "administrator", (41,), "The result stands on one share."),
    Known("other_totals", "other-totals", "administrator", (40,), "The result exchanges the totals of two options."),
    Known("one_total_too_many", "one-total-too-many", "administrator", (40,), "The result has one total more."),
    Known(
        "result_of_another_tally", "result-of-another-tally", "administrator", (42,), "The result is of another tally."
    ),
    Known("other_winner", "another-winner", "administrator", (40,), "The winner is not the one with more votes."),
    Known("missing_outcome", "missing-outcome", "administrator", (40,), "The result names no winner."),
)

_CASES = {case.forge.__name__: case for case in tamper.CASES}

for _known in KNOWN:
    _case = _CASES[_known.forge]
    broken(
        f"{_case.check}-{_known.what}",
        _known.sentence,
        *_known.attacks,
        by=_known.by,
        also=_case.also,
        not_run=_case.consequences,
    )(_case.forge)


@broken(
    "02-two-faults-at-once",
    "A notice and the result are changed; both entries are named.",
    32,
    by="board",
    not_run={"19", "20"},
)
def two_changed_bodies() -> Forgery:
    """Two faults of one check: neither hides the other."""
    election, parts = tamper.with_notice()
    place = tamper.place_of(parts, "election.notice")
    entries = list(election.board.entries)
    entries[place] = entries[place]._replace(body=entries[place].body.replace(b"Lunch", b"Party"))
    entries[-1] = entries[-1]._replace(body=entries[-1].body.replace(b'"totals":[3,5,0]', b'"totals":[5,3,0]'))
    return Forgery(entries)
