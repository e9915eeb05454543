"""What could not be decided is said, in every form."""

import json
from pathlib import Path

import jsonschema
import pytest

from natc.cli.lint_report import rendered
from natc.diagnostics import Undecided

NOTES = [Undecided("p.nat", "whether `web` is shadowed"), Undecided("\x1b.v4", "other")]
SCHEMA = Path(__file__).parents[1] / "vendored" / "sarif-2.1.0-rtm.5.json"


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (
            "text",
            (
                "note: p.nat: not decided: whether `web` is shadowed\n\n"
                "note: \\x1b.v4: not decided: other"
            ),
        ),
        (
            "concise",
            (
                "p.nat: note: not decided: whether `web` is shadowed\n"
                "\\x1b.v4: note: not decided: other"
            ),
        ),
        (
            "github",
            (
                "::notice file=p.nat::not decided: whether `web` is shadowed\n"
                "::notice file=\\x1b.v4::not decided: other"
            ),
        ),
    ],
)
def test_people_read_it(form: str, expected: str):
    assert rendered([], NOTES, form) == expected


def test_programs_read_it():
    assert json.loads(rendered([], NOTES[:1], "json"))["undecided"] == [
        {"file": "p.nat", "what": "whether `web` is shadowed"}
    ]
    log = json.loads(rendered([], NOTES, "sarif"))
    jsonschema.Draft4Validator(json.loads(SCHEMA.read_text())).validate(log)
    (invocation,) = log["runs"][0]["invocations"]
    remarks = invocation["toolExecutionNotifications"]
    assert [remark["level"] for remark in remarks] == ["note", "note"]
    assert remarks[0]["message"]["text"] == "not decided: whether `web` is shadowed"
