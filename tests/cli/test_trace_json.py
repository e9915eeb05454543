"""`natc trace --format json`: the steps, and sets that are exact."""

from pathlib import Path

import pytest

from tests.cli.tracing import INWARD, outcomes, write_rules


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_rules(tmp_path)
    return tmp_path


def test_json_has_the_steps_and_exact_sets(folder: Path) -> None:
    (one,) = outcomes(folder, INWARD)
    assert {key: value for key, value in one.items() if key != "steps"} == {
        "verdict": "forwarded",
        "chance": 1.0,
        "if": [],
        "out": {"any_of": ["eth1"], "none_of": []},
        "source": {"addresses": ["198.51.100.7"], "address_of": None, "ports": ["4000"]},
        "destination": {"addresses": ["192.168.3.10"], "address_of": None, "ports": ["8080"]},
        "reply": {
            "comes": "tcp 192.168.3.10:8080 > 198.51.100.7:4000",
            "sender_sees": "tcp 203.0.113.2:80 > 198.51.100.7:4000",
        },
        "notes": [],
    }
    assert [(step["stage"], step["kind"]) for step in one["steps"]] == [
        ("nat PREROUTING", "translated"),
        ("routing", "routed"),
        ("filter FORWARD", "unseen"),
        ("nat POSTROUTING", "unmatched"),
    ]
    assert one["steps"][0]["rule"] == {
        "file": "p.nat",
        "line": 6,
        "name": "web",
        "text": "web",
        "comment": None,
    }


def test_json_says_what_an_outcome_depends_on(folder: Path) -> None:
    found = outcomes(folder, "udp 192.168.3.9:4000 > 9.9.9.9:53 in eth1", rules="rules.v4")
    found.sort(key=lambda one: (one["verdict"], one["source"]["address_of"] is None))
    assert [(one["verdict"], one["if"]) for one in found] == [
        ("delivered", [["9.9.9.9 is the gateway's own address"]]),
        (
            "forwarded",
            [["9.9.9.9 is not the gateway's own address", "it leaves by eth0"]],
        ),
        (
            "forwarded",
            [["9.9.9.9 is not the gateway's own address", "it leaves by any but eth0"]],
        ),
    ]
    assert found[1]["source"]["address_of"] == "eth0"
    assert found[1]["source"]["addresses"] is None
    assert found[2]["out"] == {"any_of": [], "none_of": ["eth0"]}


def test_json_has_chances(folder: Path) -> None:
    (folder / "b.nat").write_text(
        "balance tcp/80 in eth0 to 203.0.113.2 -> { 10.0.0.1 weight 3, 10.0.0.2 }\n"
    )
    found = outcomes(folder, "tcp 1.1.1.1:5 > 203.0.113.2:80 in eth0 out eth1", rules="b.nat")
    assert [(one["destination"]["addresses"], one["chance"]) for one in found] == [
        (["10.0.0.1"], 0.75),
        (["10.0.0.2"], 0.25),
    ]
