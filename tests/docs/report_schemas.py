"""Makes the JSON Schemas of JSON that others may read from the code; run `python -m tests.docs.report_schemas`.

docs/urne-report-1.schema.json    urne-verify RECORD --json
docs/urne-monitor-1.schema.json   urne-verify monitor --json
docs/urne-dispute-1.schema.json   dispute files
"""

from __future__ import annotations

import ast
import inspect
import json
from enum import Enum
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec

from voting.protocol.tlog import dispute
from voting.verifier import alarms, findings, report

DOCS = Path(__file__).resolve().parents[2] / "docs"


def schemas() -> dict[str, dict[str, Any]]:
    """Name of a schema -> the schema."""
    return {
        report.SCHEMA: _schema(report.Report, report.SCHEMA, [report, findings]),
        alarms.SCHEMA: _schema(alarms.Outcome, alarms.SCHEMA, [alarms]),
        dispute.SCHEMA: _schema(dispute.Dispute, dispute.SCHEMA, [dispute]),
    }


def path_of(name: str) -> Path:
    return DOCS / f"{name}.schema.json"


def text_of(schema: dict[str, Any]) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _schema(root: type, name: str, modules: list[ModuleType]) -> dict[str, Any]:
    made = msgspec.json.schema(root)
    definitions = made.pop("$defs")
    words = {key: value for module in modules for key, value in _attribute_docs(module).items()}
    for title, definition in definitions.items():
        # New fields may come without a new name, so no reader may refuse them; and everything is always written.
        definition.pop("additionalProperties", None)
        if "properties" in definition:
            definition["required"] = list(definition["properties"])
        for field, described in definition.get("properties", {}).items():
            described.pop("default", None)
            if (title, field) in words:
                described["description"] = words[title, field]
    for module in modules:
        for value in vars(module).values():
            if inspect.isclass(value) and issubclass(value, Enum) and value.__name__ in definitions:
                definitions[value.__name__]["enum"] = [member.value for member in value]
    definitions[root.__name__]["properties"]["schema"] = {"const": name}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": name, **made, "$defs": definitions}


def _attribute_docs(module: ModuleType) -> dict[tuple[str, str], str]:
    """(class, field) -> the text below the field."""
    found: dict[tuple[str, str], str] = {}
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.ClassDef):
            for before, after in zip(node.body, node.body[1:], strict=False):
                if (
                    isinstance(before, ast.AnnAssign)
                    and isinstance(before.target, ast.Name)
                    and isinstance(after, ast.Expr)
                    and isinstance(after.value, ast.Constant)
                ):
                    found[node.name, before.target.id] = " ".join(str(after.value.value).split())
    return found


if __name__ == "__main__":
    for schema_name, schema_made in schemas().items():
        path_of(schema_name).write_text(text_of(schema_made), encoding="utf-8")
