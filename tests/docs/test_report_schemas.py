"""The published JSON Schemas are those of the code, and real answers keep to them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner

from tests.docs.report_schemas import path_of, schemas, text_of
from tests.simulators.record import Part, parts_of, rechain, sample_election, sample_record, write_record
from voting.verifier.cli import main


def schema(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path_of(name).read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(found)
    return found


@pytest.mark.parametrize("name", schemas())
def test_a_published_schema_is_that_of_the_code(name: str) -> None:
    assert path_of(name).read_text(encoding="utf-8") == text_of(schemas()[name]), (
        "run python -m tests.docs.report_schemas"
    )
    assert schema(name)["title"] == name


def test_reports_keep_to_the_schema(tmp_path: Path) -> None:
    parts = parts_of(sample_election().board.entries)
    parts[-1] = Part(parts[-1].type, parts[-1].body.replace(b'"totals":[3,5', b'"totals":[4,4'))
    records = {
        0: sample_record(tmp_path / "good"),
        1: write_record(rechain(parts), tmp_path / "bad"),
        4: sample_record(tmp_path / "early", until="defined"),
    }
    for code, record in records.items():
        result = CliRunner().invoke(main, [str(record), "--allow-toy-group", "--json"])
        assert result.exit_code == code
        report = json.loads(result.stdout)
        jsonschema.validate(report, schema("urne-report-1"))
        assert all(check["rule"] for check in report["checks"])
        del report["checks"][0]["status"]
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(report, schema("urne-report-1"))
