"""An apply that is killed at any instant leaves the rules of before or the new ones, whole."""

import os
import random
import sys

import pytest

from tests.host.gateway import FIRST, FOREIGN, SECOND, Gateway

pytestmark = pytest.mark.kernel

COUNT = int(os.environ.get("NATC_KILLS", "40"))
"""Applies to kill for each flavour and backend."""


def killed(gateway: Gateway, backend: str) -> dict[str, int]:
    """Kill applies of two policies in turn, beside rules of others; return how they ended."""
    gateway.must(FOREIGN)
    policies = f"{gateway.policy('first.nat', FIRST)} {gateway.policy('second.nat', SECOND)}"
    seed = random.SystemRandom().randrange(1 << 32)
    done = gateway.run(
        f"{sys.executable} -m tests.host.killing {policies}"
        f" --count {COUNT} --seed {seed} --backend {backend}",
        timeout=20 + COUNT,
    )
    assert done.status == 0, f"seed {seed}: {done.output}"
    words = done.output.splitlines()[-1].split()
    return {name: int(count) for name, _, count in (word.partition("=") for word in words)}


def test_killed_at_any_instant(gateway: Gateway) -> None:
    seen = killed(gateway, "restore")
    assert seen["killed"] >= COUNT // 2
    assert seen["old"]
    assert gateway.leftovers() == []
