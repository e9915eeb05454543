"""The same from Python: `natc.host`."""

import sys
import textwrap

import pytest

from natc.address import Family
from tests.host.gateway import FIRST, SECOND, Gateway

pytestmark = pytest.mark.kernel


def python(gateway: Gateway, text: str) -> str:
    """Run Python on the gateway, with `host` at hand."""
    path = gateway.folder / "program.py"
    path.write_text("from natc import host\n" + textwrap.dedent(text))
    return gateway.must(f"{sys.executable} {path}")


def test_a_program_plans_applies_confirms_and_goes_back(gateway: Gateway) -> None:
    gateway.policy("first.nat", FIRST)
    gateway.policy("second.nat", SECOND)
    said = python(
        gateway,
        """
        plan = host.plan("first.nat")
        assert plan.is_change and plan.found and plan.stranded == ()
        assert host.status().current is None
        assert host.apply("first.nat").changed
        assert not host.apply("first.nat").changed
        assert not host.plan("first.nat").is_change
        assert host.apply("second.nat", confirm_within=60).pending == 60
        assert host.status().waits is not None
        assert host.confirm().generation.policy.endswith("second.nat")
        assert host.rollback().generation.policy.endswith("first.nat")
        print([counter.line for counter in host.status().counters])
        host.remove()
        """,
    )
    assert "first.nat:5 web" in said
    assert gateway.own() == {Family.IPV4: {}, Family.IPV6: {}}


def test_errors_are_exceptions_and_nothing_is_printed(gateway: Gateway) -> None:
    gateway.policy("first.nat", FIRST)
    gateway.policy("wrong.nat", "snat from nobody -> 203.0.113.1\n")
    said = python(
        gateway,
        """
        from pathlib import Path
        from natc.diagnostics import PolicyError

        def error(task, kind):
            try:
                task()
            except kind as found:
                return found
            raise AssertionError(task)

        found = error(lambda: host.apply("wrong.nat"), PolicyError)
        assert found.diagnostics[0].code == "NAT001"
        assert "no-such.nat" in str(error(lambda: host.plan("no-such.nat"), host.HostError))
        assert "nothing waits" in str(error(host.confirm, host.HostError))
        Path("/proc/sys/net/ipv4/ip_forward").write_text("0")
        refused = error(lambda: host.apply("first.nat"), host.Refused)
        assert [finding.code for finding in refused.findings] == ["NAT501"]
        assert host.apply(Path("first.nat"), force=True).changed
        """,
    )
    assert said == ""
