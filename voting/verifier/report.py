"""Protocol V6: the report of a verification: everything that the text shows, as data with stable names.

`SCHEMA` changes when a field changes its meaning or goes away; new fields may come without that.
This module must not import anything of the board, the booth or the trustee tools.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

import msgspec

from voting import __version__
from voting.election.phases import Phase
from voting.protocol.encoding import Hash
from voting.protocol.text import Text
from voting.protocol.tlog.text import encode_base64
from voting.result_text import outcome_sentence
from voting.verifier.context import Context
from voting.verifier.findings import Cause, CheckInfo, CheckResult, Finding, Status

SCHEMA = "urne-report-1"


class Verdict(StrEnum):
    """What it all comes to."""

    VERIFIED = "verified"
    NOT_VERIFIED = "not verified"
    NOT_CHECKED = "not checked"
    """No check failed, but one could not run."""
    VALID_SO_FAR = "valid so far"
    """Nothing is wrong; the election is not finished, or was cancelled."""


EXIT_CODES = {Verdict.VERIFIED: 0, Verdict.NOT_VERIFIED: 1, Verdict.NOT_CHECKED: 3, Verdict.VALID_SO_FAR: 4}


class CheckReport(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the report."""

    id: str
    title: str
    status: Status
    cause: Cause
    """Why it did not run; empty if it did."""
    reason: str
    passed: int
    total: int
    seconds: float
    findings: tuple[Finding, ...]
    warnings: tuple[Finding, ...]
    rule: str = ""
    """What the check demands; empty if its module does not say."""


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """The end of the log: to be compared with what other people see."""

    size: int
    root: str
    """Merkle root of the headers in base64, as checkpoints write it."""
    hash: Hash
    """SHA-256 of the last header."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The published outcome of one question. It is right only if the verdict says so."""

    question: Text
    sentence: str
    """Who won, in the language of the report."""
    totals: tuple[int, ...]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What `urne-verify` found. Hashes and head are for people to compare with what was announced."""

    schema: str = SCHEMA
    program: str = f"urne {__version__}"
    verdict: Verdict
    exit_code: int
    title: Text | None
    manifest: Hash | None
    election: Hash | None
    group: str | None
    head: Head
    phase: Phase
    credentials: int
    weight: int
    """Sum of the weights of all credentials."""
    ballots: int
    counted: int
    """The last ballots of each credential."""
    trustees: tuple[str, ...]
    threshold: int
    """How many trustees are needed to decrypt."""
    checks: tuple[CheckReport, ...]
    result: tuple[Answer, ...]
    seconds: float
    system: str = "urne"
    """Whose record it is: `urne`, or another system's name and version (`voting.verifier.foreign`)."""
    facts: tuple[tuple[str, str], ...] = ()
    """Names and values that identify another system's record, in that system's terms."""


def check_report(info: CheckInfo, result: CheckResult, seconds: float, *, rule: str = "") -> CheckReport:
    """One check's line; `seconds` is what the clock said, unless the check was made elsewhere."""
    return CheckReport(
        id=info.id,
        title=info.title,
        status=result.status,
        cause=result.cause,
        reason=result.reason,
        passed=result.passed,
        total=result.total,
        seconds=round(result.seconds if result.seconds is not None else seconds, 3),
        findings=result.findings,
        warnings=result.warnings,
        rule=rule or info.rule,
    )


SETTLED = (Status.PASSED, Status.NOT_APPLICABLE)


def verdict_of(checks: tuple[CheckReport, ...], phase: Phase, *, settled: Collection[Status] = SETTLED) -> Verdict:
    """Protocol V6: one failed check: not verified. Else, one that could not run: not checked. Else, an unfinished
    election: valid so far. Only if all of them are settled, on a finished election: verified.

    Args:
        settled: what is as good as passed. Other systems' formats add what they cannot show: the report says so.
    """
    if any(check.status is Status.FAILED for check in checks):
        return Verdict.NOT_VERIFIED
    causes = {check.cause for check in checks if check.status is Status.NOT_RUN}
    if causes - {Cause.NOT_YET}:
        return Verdict.NOT_CHECKED
    if causes or phase is not Phase.PUBLISHED:
        return Verdict.VALID_SO_FAR
    if all(check.status in settled for check in checks):
        return Verdict.VERIFIED
    return Verdict.NOT_CHECKED


def make_report(context: Context, checks: tuple[CheckReport, ...], language: str, seconds: float) -> Report:
    """Protocol V6a: the report on a record whose checks have been made.

    Args:
        language: of the sentences on the result.
        seconds: how long all of it took.
    """
    record, replay = context.record, context.replay
    manifest = record.manifest
    verdict = verdict_of(checks, record.phase)
    return Report(
        verdict=verdict,
        exit_code=EXIT_CODES[verdict],
        title=manifest.title if manifest else None,
        manifest=manifest.hash if manifest else None,
        election=record.election,
        group=manifest.group if manifest else None,
        head=Head(size=replay.entries, root=encode_base64(replay.root), hash=replay.head),
        phase=record.phase,
        credentials=len(record.credentials),
        weight=record.weight,
        ballots=len(record.ballots),
        counted=len(record.last_ballot),
        trustees=tuple(t.name for _, t in sorted(record.ceremony.trustees.items())) if record.ceremony else (),
        threshold=manifest.threshold if manifest else 0,
        checks=checks,
        result=_answers(context, language),
        seconds=round(seconds, 3),
    )


def _answers(context: Context, language: str) -> tuple[Answer, ...]:
    """The published result, if it has the form of one: check 20 says whether it follows from the totals."""
    record = context.record
    if record.manifest is None or record.result is None:
        return ()
    answers = []
    start = 0
    for question, outcome in zip(record.manifest.questions, record.result.outcomes, strict=False):
        count = len(question.shape().totals)
        try:
            sentence = outcome_sentence(question, outcome, language)
        except (LookupError, AttributeError, TypeError, ValueError):
            sentence = ""  # an outcome of another question's form: check 20 has failed
        totals = record.result.totals[start : start + count]
        answers.append(Answer(question=question.title, sentence=sentence, totals=totals))
        start += count
    return tuple(answers)
