"""What `natc status` says of a gateway."""

import json
from pathlib import Path

from natc.cli.status_report import as_json, text
from natc.host.generation import Generation
from natc.host.planning.status import Drift, Status

FOLDER = Path("/var/lib/natc/generations/1")
FROM_STDIN = Generation(
    number=1,
    folder=FOLDER,
    policy="-",
    digest="2f258b789d30" + "0" * 52,
    made=0.0,
    place="first",
    backend="restore",
    node="gw",
    settings={},
    previous=None,
    routes=(),
    passing=Path("/run/natc"),
)
NOT_ENABLED = "natc.service is not enabled here"


def status(current: Generation | None, drift: Drift) -> Status:
    return Status(
        current=current,
        since=None,
        boot=current,
        waits=None,
        file="unknown",
        flavour="nft",
        drift=drift,
        counters=None,
    )


APPLIED = status(FROM_STDIN, Drift(is_there=False))


def test_a_boot_that_systemd_does_not_serve_is_told() -> None:
    lines = text(APPLIED, 0, is_boot_enabled=False).splitlines()
    place = lines.index("boot      the next one restores the same")
    assert lines[place + 1] == f"          where `natc install-boot` is set up: {NOT_ENABLED}"
    assert not json.loads(as_json(APPLIED, is_boot_enabled=False))["boot_enabled"]


def test_a_boot_that_systemd_serves_needs_no_remark() -> None:
    assert NOT_ENABLED not in text(APPLIED, 0, is_boot_enabled=True)
    assert json.loads(as_json(APPLIED, is_boot_enabled=True))["boot_enabled"]


def test_where_nothing_is_restored_there_is_nothing_to_enable() -> None:
    nothing = status(None, Drift(is_there=False))
    assert NOT_ENABLED not in text(nothing, 0, is_boot_enabled=False)


def test_a_policy_from_standard_input_is_not_called_a_dash() -> None:
    said = text(APPLIED, 0, is_boot_enabled=True)
    assert said.startswith("policy    a policy from standard input (2f258b789d30)\n")


def test_rules_of_a_script_are_told_apart_from_those_of_an_apply() -> None:
    found = status(None, Drift(is_there=True, found=None))
    said = text(found, 0, is_boot_enabled=True)
    assert "drift     the kernel holds rules of natc that no `natc apply` put there\n" in said
