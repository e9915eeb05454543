"""`natc apply --confirm`: the rules of before come back by themselves, whoever has died."""

import sys
import time

import pytest

from tests.host.gateway import FIRST, FOREIGN, SECOND, Gateway

pytestmark = pytest.mark.kernel


@pytest.fixture
def second(gateway: Gateway) -> str:
    """A gateway with the first policy in place and the second one at hand."""
    gateway.must(FOREIGN)
    gateway.natc(f"apply {gateway.policy('first.nat', FIRST)}")
    return gateway.policy("second.nat", SECOND)


def settled(gateway: Gateway, seconds: float = 10) -> None:
    """Wait until no guard is at work any more."""
    end = time.monotonic() + seconds
    while gateway.leftovers():
        assert time.monotonic() < end, gateway.leftovers()
        time.sleep(0.05)


def test_the_rules_of_before_come_back_when_nobody_confirms(gateway: Gateway, second: str) -> None:
    before = gateway.everything()
    assert "natc confirm" in gateway.natc(f"apply {second} --confirm 1")
    assert gateway.everything() != before
    assert gateway.links() == ("2", "1")
    settled(gateway)
    assert gateway.everything() == before
    assert gateway.links() == ("1", "1")
    assert "the rules of before have come back" in gateway.run("natc confirm").output


def test_confirmed_rules_stay(gateway: Gateway, second: str) -> None:
    gateway.natc(f"apply {second} --confirm 2")
    after = gateway.everything()
    gateway.natc("confirm")
    settled(gateway)
    assert gateway.everything() == after
    assert gateway.links() == ("2", "2")


def test_rules_that_wait_can_be_taken_back_at_once(gateway: Gateway, second: str) -> None:
    before = gateway.everything()
    gateway.natc(f"apply {second} --confirm 60")
    gateway.natc("rollback")
    assert gateway.everything() == before
    assert gateway.links() == ("1", "1")
    settled(gateway)


def test_they_come_back_when_the_terminal_and_all_its_programs_are_gone(
    gateway: Gateway, second: str
) -> None:
    before = gateway.everything()
    gateway.must(f"""
        setsid sh -c 'trap "" TTOU; {sys.executable} -m natc apply {second} --confirm 1; sleep 30' >/dev/null 2>&1 &
        session=$!
        for try in $(seq 200); do [ -e /run/natc/way-back-*/pending ] && break; sleep 0.05; done
        pkill -HUP -s $session; sleep 0.1; pkill -KILL -s $session; :
    """)
    settled(gateway)
    assert gateway.everything() == before


def test_no_other_apply_comes_between(gateway: Gateway, second: str) -> None:
    gateway.natc(f"apply {second} --confirm 60")
    after = gateway.everything()
    done = gateway.run("natc apply first.nat")
    assert done.status == 3
    assert "waits to be confirmed" in done.output
    assert gateway.everything() == after
    gateway.natc("confirm")


def test_nothing_to_confirm_is_said(gateway: Gateway) -> None:
    done = gateway.run("natc confirm")
    assert done.status == 3
    assert "nothing waits to be confirmed" in done.output


def test_a_dead_guard_is_replaced_by_the_next_command(gateway: Gateway, second: str) -> None:
    before = gateway.everything()
    gateway.natc(f"apply {second} --confirm 1")
    gateway.must("pkill -KILL -f natc-guard; sleep 1.2")
    assert gateway.everything() != before
    done = gateway.run("natc confirm")
    assert done.status == 3
    assert "was not confirmed in time" in done.output
    assert gateway.everything() == before
