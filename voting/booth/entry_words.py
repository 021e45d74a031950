"""What the entries of a board and the 21 checks mean, in words for people who are no technicians.

It must not import flask. The exact rules are in docs/spec/entries.md and docs/spec/verification.md.
"""

from __future__ import annotations

from typing import NamedTuple

from voting.translations import text as _
from voting.verifier.checks import CHECKS

EVERY_ENTRY = ("02", "03", "04", "21")
"""Checks that look at every entry."""


class EntryWords(NamedTuple):
    """A type of entry."""

    name: str
    meaning: str


class CheckWords(NamedTuple):
    """One of the checks."""

    id: str
    title: str
    meaning: str


def entry_words(entry_type: str) -> EntryWords:
    """A type of entry in the current language; an unknown one by its own name."""
    found = {
        "election.defined": EntryWords(
            _("Election defined"), _("The organisers fixed the questions, the trustees and the rules.")
        ),
        "trustee.joined": EntryWords(
            _("Trustee joined"),
            _("Round 1 of making the election's key: a trustee shows keys of their own and commits to their part."),
        ),
        "trustee.committed": EntryWords(
            _("Trustee's part of the key"),
            _("Round 2 of making the election's key: a trustee publishes the part that they had committed to."),
        ),
        "trustee.dealt": EntryWords(
            _("Trustee's shares for the others"),
            _("Round 3 of making the election's key: a trustee gives each other one a share, sealed for them alone."),
        ),
        "trustee.confirmed": EntryWords(
            _("Trustee confirmed"),
            _("Round 4 of making the election's key: all shares that this trustee received are right."),
        ),
        "trustee.complained": EntryWords(
            _("Trustee complained"), _("A trustee says that a share which they received is wrong.")
        ),
        "trustee.answered": EntryWords(
            _("Complaint answered"), _("A trustee publishes the share that somebody complained about.")
        ),
        "trustee.restarted": EntryWords(
            _("Key ceremony begun anew"), _("The organisers let the trustees make a new key, without those named.")
        ),
        "credentials.listed": EntryWords(
            _("Voting rights listed"),
            _("Public keys of people who may vote, and how much each vote weighs. No names are here."),
        ),
        "election.opened": EntryWords(
            _("Voting opened"), _("From here on ballots are accepted. Questions, key and voting rights are fixed.")
        ),
        "ballot.cast": EntryWords(
            _("Ballot"), _("A locked vote. Nobody can read it; everybody can check that it keeps the rules.")
        ),
        "election.notice": EntryWords(_("Notice"), _("The organisers announce something.")),
        "election.extended": EntryWords(_("Voting extended"), _("The organisers let voting end later.")),
        "election.closed": EntryWords(_("Voting closed"), _("From here on no ballot is accepted.")),
        "election.cancelled": EntryWords(_("Election cancelled"), _("The organisers ended the election for good.")),
        "tally.encrypted": EntryWords(
            _("Locked sum"), _("The sum of the counted ballots, still locked: it was computed without opening any.")
        ),
        "tally.share": EntryWords(
            _("Trustee's part of the opening"), _("A trustee's part of the work that opens the locked sum.")
        ),
        "election.result": EntryWords(
            _("Result"), _("The opened sum, and who is elected by the rules of each question.")
        ),
    }
    return found.get(entry_type, EntryWords(entry_type, ""))


_CHECKS_OF = {
    "election.defined": ("01", "05"),
    "trustee.joined": ("05", "07"),
    "trustee.committed": ("05", "06", "07", "08"),
    "trustee.dealt": ("05", "07"),
    "trustee.confirmed": ("05", "07", "08"),
    "trustee.complained": ("05", "07"),
    "trustee.answered": ("05", "07"),
    "trustee.restarted": ("05", "07"),
    "credentials.listed": ("05", "09"),
    "election.opened": ("05", "07", "08", "09", "10"),
    "ballot.cast": ("11", "12", "13", "14", "15", "16", "17"),
    "election.notice": ("05",),
    "election.extended": ("05",),
    "election.closed": ("05",),
    "election.cancelled": ("05",),
    "tally.encrypted": ("05", "16", "17"),
    "tally.share": ("06", "18"),
    "election.result": ("05", "18", "19", "20"),
}
"""Entry type -> the checks that look at its contents, besides those of every entry."""


def checks_of(entry_type: str) -> list[CheckWords]:
    """The checks that look at an entry of this type, in the order of their numbers."""
    concerned = {*EVERY_ENTRY, *_CHECKS_OF.get(entry_type, ())}
    return [check for check in all_checks() if check.id in concerned]


def all_checks() -> list[CheckWords]:
    """The checks in the current language."""
    meanings = {
        "01": _("The definition of the election keeps the rules, and is the one that was announced."),
        "02": _("No entry was changed, dropped, swapped or put in between: each one names the one before it."),
        "03": _("The board has signed exactly these entries, so it cannot deny one or show others to somebody else."),
        "04": _("All came in its time: no ballot before the opening or after the closing, one sum, one result."),
        "05": _("Each entry of the organisers and the trustees is signed by those who answer for it."),
        "06": _(
            "Each trustee fixed their part of the key before they saw the others', and knows the secret behind it."
        ),
        "07": _("All trustees took part in making the key, and each complaint was settled in public."),
        "08": _("Votes are locked with the key that the trustees made together, and with no other."),
        "09": _("Each voting right is listed once, with a weight within the rules."),
        "10": _("Questions, trustees and voting rights were fixed before the first ballot."),
        "11": _("Each ballot comes from somebody who holds a voter code of the list."),
        "12": _("The locked numbers of each ballot are of the right kind, so that they can hide nothing."),
        "13": _("Each ballot has exactly the parts that the questions ask for."),
        "14": _("Each ballot keeps the rules of the questions, though nobody can read it."),
        "15": _("No ballot was copied from somebody else's."),
        "16": _("Of each voter the last ballot counts, and no other."),
        "17": _("The locked sum is the sum of the counted ballots, and of nothing else."),
        "18": _("The trustees opened the sum with the right keys, and falsified nothing."),
        "19": _("The published numbers are those that were locked in the sum."),
        "20": _("Winners, ranks and seats follow from the numbers by the rules of each question."),
        "21": _("Nothing that was published at an earlier visit has changed or gone since."),
    }
    return [CheckWords(check.info.id, _(check.info.title), meanings[check.info.id]) for check in CHECKS]
