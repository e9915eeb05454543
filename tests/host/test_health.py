"""Health checks, what is made of their results, and how `natc watch` tells of them."""

import asyncio
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path

import pytest

from natc import pipeline
from natc.address import Family, parse
from natc.host.watching.health import Health, Result, judged, patience, probe
from natc.host.watching.journal import Log, Priority, Seldom, datagram, log
from natc.host.watching.metrics import Metrics
from natc.host.watching.notify import Notifier
from natc.host.watching.serving import Server, checked, served, unserved
from natc.ir.actions import Balance
from natc.ir.policy import HealthCheck, Policy
from natc.source import Source

GOOD, BAD = Result(True, ""), Result(False, "")
TCP = HealthCheck("shop", "tcp", None, 0.2, rise=2, fall=3)
HTTP = HealthCheck("shop", "http", "/health", 0.3, rise=2, fall=3)


def states(results: str, check: HealthCheck = TCP) -> str:
    """Return `U` or `D` after each result, `+` or `-`."""
    health, seen = Health(), ""
    for result in results:
        health = health.after(GOOD if result == "+" else BAD, check)
        seen += "U" if health.is_up else "D"
    return seen


def test_a_server_is_up_until_it_fails_often_enough_in_a_row() -> None:
    assert states("---") == "UUD"
    assert states("--+--+---") == "UUUUUUUUD"


def test_it_is_down_until_it_succeeds_often_enough_in_a_row() -> None:
    assert states("---+-++") == "UUDDDDU"


def test_one_result_may_be_enough() -> None:
    once = HealthCheck("shop", "tcp", None, 1, rise=1, fall=1)
    assert states("-+-", once) == "DUD"


def test_a_test_takes_no_longer_than_the_time_between_two_and_five_seconds_at_most() -> None:
    assert patience(HealthCheck("shop", "tcp", None, 0.1)) == 0.1
    assert patience(HealthCheck("shop", "tcp", None, 60)) == 5


@contextmanager
def answering(address: str, answer: bytes | None) -> Iterator[tuple[int, list[bytes]]]:
    """Listen; give each client an answer and hang up, or (None) say nothing and keep it."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    heard: list[bytes] = []
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.bind((address, 0))
        listener.listen()

        def serve() -> None:
            kept = []
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                kept.append(client)
                if answer is not None:
                    client.settimeout(2)
                    try:
                        heard.append(client.recv(4096))
                        client.sendall(answer)
                        client.shutdown(socket.SHUT_WR)
                    except OSError:
                        continue

        threading.Thread(target=serve, daemon=True).start()
        try:
            yield listener.getsockname()[1], heard
        finally:
            listener.shutdown(socket.SHUT_RDWR)


def probed(address: str, port: int, check: HealthCheck) -> Result:
    family, value = parse(address)
    server = Server("shop", f"{address}:{port}", family, value, port, is_backup=False)
    return asyncio.run(probe(server, check))


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_a_server_that_takes_connections_is_healthy_by_tcp(address: str) -> None:
    with answering(address, None) as (port, _):
        assert probed(address, port, TCP).is_good


@pytest.mark.parametrize("check", [TCP, HTTP], ids=["tcp", "http"])
def test_a_server_that_refuses_is_not(check: HealthCheck) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # Nobody listens, and nobody else can.
        result = probed("127.0.0.1", bound.getsockname()[1], check)
    assert not result.is_good
    assert "refused" in result.reason


def test_a_server_that_takes_the_connection_and_says_nothing_is_not_healthy_by_http() -> None:
    with answering("127.0.0.1", None) as (port, _):
        assert probed("127.0.0.1", port, HTTP) == Result(False, "no answer within 0.3 s")


@pytest.mark.parametrize(
    ("answer", "is_good"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", True),
        (b"HTTP/1.0 204 No Content\r\n\r\n", True),
        (b"HTTP/1.1 302 Found\r\n\r\n", True),
        (b"HTTP/1.1 399 \r\n", True),
        (b"HTTP/1.1 200\r\n", True),
        (b"HTTP/1.1 200 OK\n", True),
        (b"HTTP/1.1 200 OK\r\n" + b"x" * 1_000_000, True),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", False),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", False),
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", False),
        (b"HTTP/1.1 2000 OK\r\n", False),
        (b"HTTP/1.1 20\r\n", False),
        (b"HTTP/1.1 200", False),
        (b"SSH-2.0-OpenSSH_9.2\r\n", False),
        (b"\r\n", False),
        (b"\0\xff\xfe\n", False),
        (b"", False),
        (b"x" * 100_000, False),
    ],
)
def test_the_first_line_of_an_answer_decides(answer: bytes, is_good: bool) -> None:
    with answering("127.0.0.1", answer) as (port, heard):
        result = probed("127.0.0.1", port, HTTP)
        assert result.is_good is is_good, result.reason
        assert heard[0].startswith(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1:")
    if b"\n" in answer[:4096] or not answer:
        assert judged(answer[: answer.find(b"\n") + 1]).is_good is is_good


# Which servers serve.

POLICY = """
address web1 = { 192.168.3.10, fd00:3::10 }
address web2 = { 192.168.3.11, fd00:3::11 }
address spare = { 192.168.3.99, fd00:3::99 }
address public = { 203.0.113.2, 2001:db8::2 }
zone wan { interface eth0; address public }
zone lan { interface eth1; address { 192.168.3.1, fd00:3::1 }; subnet { 192.168.3.0/24, fd00:3::/64 } }
balance tcp/443 to public in wan -> { web1:8443 weight 3, web2:8443 } sticky backup spare:8443 hairpin check tcp as shop
balance tcp/{80,81} to 203.0.113.2 -> { 192.168.3.10, 192.168.3.11 } check http "/" every 500ms as mail
balance tcp/25 to 203.0.113.2 -> { 192.168.3.10, 192.168.3.11 } as unwatched
"""


@pytest.fixture(scope="module")
def policy() -> Policy:
    return pipeline.understand(Source("shop.nat", POLICY), lambda _: "")


def serving(policy: Policy, *down: tuple[str, str]) -> dict[str, set[str]]:
    """Return the addresses that the IPv4 rules of each balance send to, with their weights."""
    found: dict[str, set[str]] = {}
    for rule in served(policy, frozenset(down)).rules:
        if isinstance(rule.action, Balance) and rule.family is Family.IPV4:
            texts = {
                f".{one.action.addresses.first & 255}*{one.weight}" for one in rule.action.backends
            }
            assert found.setdefault(rule.name.split(".")[0], texts) == texts
    return found


def test_backends_and_backups_of_both_families_are_checked_where_the_rule_says_so(
    policy: Policy,
) -> None:
    servers = checked(policy)
    assert {server.key for server in servers if server.rule == "shop"} == {
        ("shop", "192.168.3.10:8443"),
        ("shop", "192.168.3.11:8443"),
        ("shop", "192.168.3.99:8443"),
        ("shop", "[fd00:3::10]:8443"),
        ("shop", "[fd00:3::11]:8443"),
        ("shop", "[fd00:3::99]:8443"),
    }
    assert {server.text for server in servers if server.is_backup} == {
        "192.168.3.99:8443",
        "[fd00:3::99]:8443",
    }
    # Where the port is kept, the lowest one that the rule takes is tried.
    assert {(server.text, server.port) for server in servers if server.rule == "mail"} == {
        ("192.168.3.10", 80),
        ("192.168.3.11", 80),
    }
    assert {check.every for server, check in servers.items() if server.rule == "mail"} == {0.5}
    assert not [server for server in servers if server.rule == "unwatched"]


WEB1, WEB2, SPARE = (("shop", f"192.168.3.{host}:8443") for host in (10, 11, 99))


def test_servers_that_are_down_are_left_out_and_weights_stay(policy: Policy) -> None:
    assert serving(policy)["shop"] == {".10*3", ".11*1"}
    assert serving(policy, WEB1)["shop"] == {".11*1"}
    assert serving(policy, WEB2, SPARE)["shop"] == {".10*3"}
    assert serving(policy, WEB1)["mail"] == {".10*1", ".11*1"}
    assert serving(policy, ("unwatched", "192.168.3.10"))["unwatched"] == {".10*1", ".11*1"}


def test_the_backup_serves_when_all_others_are_down(policy: Policy) -> None:
    assert serving(policy, WEB1, WEB2)["shop"] == {".99*1"}
    assert unserved(policy, frozenset({WEB1, WEB2})) == frozenset()


def test_all_backends_serve_when_nothing_is_up(policy: Policy) -> None:
    assert serving(policy, WEB1, WEB2, SPARE)["shop"] == {".10*3", ".11*1"}
    assert unserved(policy, frozenset({WEB1, WEB2, SPARE})) == {("shop", Family.IPV4)}


def test_a_server_of_one_family_says_nothing_of_the_other(policy: Policy) -> None:
    assert serving(policy, ("shop", "[fd00:3::10]:8443"))["shop"] == {".10*3", ".11*1"}


# What is told.


@contextmanager
def listening(address: str) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.bind(address)
        made.settimeout(5)
        yield made


def test_the_journal_gets_fields(tmp_path: Path) -> None:
    path = str(tmp_path / "journal")
    with listening(path) as journal:
        Log(path, native=True).say(
            "server-down",
            "shop: down\nPRIORITY=0",
            Priority.WARNING,
            rule="shop",
            server="[::1]:80",
        )
        lines = journal.recv(4096).decode().splitlines()
    assert lines == [
        "MESSAGE=shop: down PRIORITY=0",
        "PRIORITY=4",
        "SYSLOG_IDENTIFIER=natc",
        "NATC_EVENT=server-down",
        "NATC_RULE=shop",
        "NATC_SERVER=[::1]:80",
    ]


def test_a_value_of_several_lines_is_sent_with_its_length() -> None:
    assert datagram({"A": "x\ny"}) == b"A\n\x03\0\0\0\0\0\0\0x\ny\n"


def test_lines_are_written_where_the_journal_is_not_there(tmp_path: Path) -> None:
    stream = StringIO()
    Log(str(tmp_path / "none"), native=True, stream=stream).say("start", "begins")
    Log(str(tmp_path / "none"), native=False, stream=stream).say("stop", "ends \x1b[31m")
    assert stream.getvalue() == "natc: begins\nnatc: ends  [31m\n"


def test_the_journal_is_used_only_if_standard_error_leads_there() -> None:
    status = os.fstat(2)
    assert log({"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"})._socket is not None
    assert log({"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino + 1}"})._socket is None
    assert log({})._socket is None


def test_what_comes_again_and_again_is_said_seldom() -> None:
    seldom = Seldom()
    assert [seldom.is_due(text) for text in ("a", "a", "b", "a")] == [True, False, True, False]
    seldom.forget()
    assert seldom.is_due("a")


@pytest.mark.parametrize("kind", ["path", "abstract"])
def test_systemd_hears_how_the_service_is(tmp_path: Path, kind: str) -> None:
    name = str(tmp_path / "notify") if kind == "path" else f"@natc-test-{os.getpid()}"
    with listening(name.replace("@", "\0")) as manager:
        notifier = Notifier({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "30000000"})
        assert notifier.watchdog == 30
        notifier.ready("all\nwell")
        notifier.alive()
        notifier.reloading()
        notifier.stopping()
        said = [manager.recv(4096).decode() for _ in range(4)]
    assert said[0] == "READY=1\nSTATUS=all well"
    assert said[1] == "WATCHDOG=1"
    assert said[2].startswith("RELOADING=1\nMONOTONIC_USEC=")
    assert said[3] == "STOPPING=1"


def test_without_a_manager_nothing_is_said_and_nothing_fails(tmp_path: Path) -> None:
    for environment in ({}, {"NOTIFY_SOCKET": str(tmp_path / "gone"), "WATCHDOG_PID": "1"}):
        notifier = Notifier({**environment, "WATCHDOG_USEC": "1000000"})
        notifier.ready("well")
        assert notifier.watchdog is None


def test_metrics_are_in_the_text_format_of_prometheus(tmp_path: Path) -> None:
    metrics = Metrics()
    server = ('a"\\b\n', "10.0.0.1:80")
    metrics.up[server] = True
    metrics.checks[server, True] = 3
    metrics.checks[server, False] = 1
    metrics.checked_at[server] = 1753.25
    metrics.generation, metrics.drift = 7, 0
    metrics.write(tmp_path / "natc.prom")
    lines = (tmp_path / "natc.prom").read_text().splitlines()
    label = r'rule="a\"\\b\n",server="10.0.0.1:80"'
    assert f"natc_server_up{{{label}}} 1" in lines
    assert f'natc_checks_total{{{label},result="success"}} 3' in lines
    assert f'natc_checks_total{{{label},result="failure"}} 1' in lines
    assert f"natc_last_check_timestamp_seconds{{{label}}} 1753.250" in lines
    assert "natc_generation 7" in lines
    assert "natc_drift 0" in lines
    assert "natc_swaps_total 0" in lines
    names = {line.split("{")[0].split(" ")[0] for line in lines if not line.startswith("#")}
    for name in names:
        assert f"# TYPE {name} {'counter' if name.endswith('_total') else 'gauge'}" in lines
        assert any(line.startswith(f"# HELP {name} ") for line in lines)
    assert list(tmp_path.iterdir()) == [tmp_path / "natc.prom"]
    metrics.keep([])
    assert "a" not in {
        line.split('"')[1][:1] for line in metrics.text().splitlines() if '"' in line
    }
