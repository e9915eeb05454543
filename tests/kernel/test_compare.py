"""What a test expects against what the kernel did."""

import pytest

from natc.address import Family, parse
from natc.ir.intervals import IntervalSet, interval, point
from natc.ir.policy import EndpointSet, Expectation, Test
from natc.record import replace
from natc.testlab import Listener, Observation, check
from tests.kernel.site import packet

CLIENT, PUBLIC, SERVER, OWN = (
    parse(text)[1] for text in ("198.51.100.7", "203.0.113.1", "192.168.3.10", "192.168.3.1")
)
PROBE = packet(Family.IPV4, "tcp 198.51.100.7 40000 203.0.113.1 8888 eth0")
SAME = Observation("forwarded", CLIENT, 40000, PUBLIC, 8888, "eth1")
DROPPED = replace(SAME, verdict="dropped", out_interface=None)
TO_SERVER = replace(SAME, destination=SERVER, destination_port=8080)
HAIRPIN = replace(TO_SERVER, source=OWN)
REDIRECTED = Observation("delivered", CLIENT, 40000, OWN, 3128)
LISTENER = Listener(Family.IPV4, 6, parse("127.0.0.1")[1], 8443, 1, 1)
PROXIED = replace(SAME, verdict="delivered", out_interface=None, listener=LISTENER)


Ends = tuple[EndpointSet, ...]


def end(address: int | IntervalSet | None, ports: int | IntervalSet | None = None) -> Ends:
    side = EndpointSet(
        point(address) if isinstance(address, int) else address,
        point(ports) if isinstance(ports, int) else ports,
    )
    return (side,)


def rewritten(to: Ends | None = None, source: Ends | None = None) -> Expectation:
    return Expectation("rewritten", None, source, to)


def verdict(expected: Expectation, observation: Observation) -> str | None:
    return check(Test("test", PROBE, expected), observation)


POOL = interval(SERVER, SERVER + 3)


@pytest.mark.parametrize(
    ("expected", "observation"),
    [
        (Expectation("unchanged"), SAME),
        (Expectation("unchanged"), replace(SAME, verdict="delivered", out_interface=None)),
        (Expectation("dropped"), DROPPED),
        (Expectation("translated"), TO_SERVER),
        (Expectation("translated", "destination"), HAIRPIN),
        (Expectation("translated", "source"), HAIRPIN),
        (rewritten(end(SERVER, 8080)), TO_SERVER),
        (rewritten(end(POOL, 8080)), TO_SERVER),
        (rewritten(end(SERVER)), replace(TO_SERVER, destination_port=8888)),
        (rewritten(end(SERVER, 8080), end(OWN)), HAIRPIN),
        (rewritten(end(SERVER, 8080), end(OWN)), replace(HAIRPIN, source_port=1024)),
        (rewritten(None, end(OWN)), replace(SAME, source=OWN, source_port=9)),
        (rewritten(end(None, 3128)), REDIRECTED),
        (rewritten(end(OWN, 3128)), REDIRECTED),
        (Expectation("proxied", None, None, end(LISTENER.address, 8443)), PROXIED),
    ],
)
def test_what_was_expected_is_no_problem(expected: Expectation, observation: Observation) -> None:
    assert verdict(expected, observation) is None


@pytest.mark.parametrize(
    ("expected", "observation", "problem"),
    [
        (
            rewritten(end(SERVER, 8080)),
            replace(TO_SERVER, destination_port=80),
            "expected to 192.168.3.10:8080, the kernel sent it to 192.168.3.10:80",
        ),
        (
            rewritten(end(SERVER)),
            TO_SERVER,
            "expected to 192.168.3.10, the kernel sent it to 192.168.3.10:8080",
        ),
        (
            rewritten(end(SERVER, 8080)),
            HAIRPIN,
            (
                "expected to 192.168.3.10:8080, the kernel sent it to 192.168.3.10:8080"
                " from 192.168.3.1:40000"
            ),
        ),
        (
            rewritten(end(SERVER, 8080), end(OWN)),
            TO_SERVER,
            (
                "expected to 192.168.3.10:8080 from 192.168.3.1,"
                " the kernel sent it to 192.168.3.10:8080"
            ),
        ),
        (
            rewritten(end(POOL)),
            DROPPED,
            "expected to 192.168.3.10-192.168.3.13, the kernel dropped it",
        ),
        (
            rewritten(end(None, 3128)),
            replace(SAME, destination_port=3128),
            "expected to :3128, the kernel sent it to 203.0.113.1:3128",
        ),
        (
            rewritten(end(OWN, 3128)),
            SAME,
            "expected to 192.168.3.1:3128, the kernel left it untranslated",
        ),
        (
            Expectation("unchanged"),
            TO_SERVER,
            "expected no translation, the kernel sent it to 192.168.3.10:8080",
        ),
        (Expectation("unchanged"), DROPPED, "expected no translation, the kernel dropped it"),
        (
            Expectation("unchanged"),
            PROXIED,
            (
                "expected no translation, the kernel handed it to the transparent listener on"
                " 127.0.0.1 port 8443"
            ),
        ),
        (
            Expectation("dropped"),
            SAME,
            "expected the packet dropped, the kernel left it untranslated",
        ),
        (
            Expectation("translated", "source"),
            TO_SERVER,
            "expected a new source, the kernel sent it to 192.168.3.10:8080",
        ),
        (
            Expectation("translated"),
            SAME,
            "expected a translation, the kernel left it untranslated",
        ),
        (
            Expectation("proxied", None, None, end(LISTENER.address, 8444)),
            PROXIED,
            (
                "expected the transparent listener 127.0.0.1:8444, the kernel handed it to the"
                " transparent listener on 127.0.0.1 port 8443"
            ),
        ),
        (
            Expectation("proxied", None, None, end(LISTENER.address, 8443)),
            SAME,
            "expected the transparent listener 127.0.0.1:8443, the kernel left it untranslated",
        ),
    ],
)
def test_a_difference_is_told_in_a_sentence(
    expected: Expectation, observation: Observation, problem: str
) -> None:
    assert verdict(expected, observation) == problem


def test_ipv6_endpoints_stand_in_brackets() -> None:
    probe = packet(Family.IPV6, "tcp 2001:db8::7 40000 2001:db8::1 8888 eth0")
    server = parse("fd00::80")[1]
    seen = Observation("forwarded", probe.source, 40000, server, 80, "eth1")
    expected = rewritten(end(server, 8080))
    assert check(Test("test", probe, expected), seen) == (
        "expected to [fd00::80]:8080, the kernel sent it to [fd00::80]:80"
    )
