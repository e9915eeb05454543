"""Kernel facts: what a restore changes, and what it leaves."""

import re

import pytest

from tests.kernel.site import HOOKS, Site, ipv4_only

pytestmark = pytest.mark.kernel

OWN = "\n".join(f":NATC-{short} - [0:0]" for _, short in HOOKS)
JUMPS = [f'{hook} {{}}-m comment --comment "natc" -j NATC-{short}' for hook, short in HOOKS]
ADDED = "\n".join(f"-I {jump.format('1 ')}" for jump in JUMPS)
TAKEN = "\n".join(f"-D {jump.format('')}" for jump in JUMPS)
GONE = "\n".join(f"-X NATC-{short}" for _, short in HOOKS)

PROBES = 3000
"""How many packets are sent at least while rules are being replaced, and a fifth of the most."""


def rules(site: Site, table: str = "nat") -> list[str]:
    """Return the chains and rules of a table."""
    saved = site.must(f"iptables-save -t {table}")
    return [re.sub(r" \[.*", "", line) for line in saved.splitlines() if line[0] in ":-"]


def test_a_text_that_the_kernel_refuses_changes_nothing(site: Site) -> None:
    """Fact 4.1b."""
    site.load("PRE -p tcp --dport 80 -j DNAT --to-destination {server}")
    before = rules(site)
    site.refusal(
        "-F NATC-PRE", ":NEW - [0:0]", "-I PREROUTING -p udp", "-A PREROUTING -j MASQUERADE"
    )
    assert rules(site) == before
    assert site.end("tcp remote 5 wan 80 eth0") == "forwarded remote 5 server 80 eth1"


def test_each_table_is_a_transaction_of_its_own(site: Site) -> None:
    """Fact 4.1c."""
    text = "*mangle\n-A PREROUTING -p tcp\nCOMMIT\n*nat\n-A PREROUTING -p tcp\n-A PREROUTING {}\nCOMMIT"
    for number, bad in enumerate(("--bogus", "-j MASQUERADE"), 1):
        assert site.restored(text.format(bad)).status != 0
        assert rules(site, "mangle").count("-A PREROUTING -p tcp") == number
        assert "-A PREROUTING -p tcp" not in rules(site)


@ipv4_only
def test_a_file_of_nft_is_one_transaction(site: Site) -> None:
    """Fact 4.1d."""
    good = "table ip good { chain pre { type nat hook prerouting priority -100; }; }"
    bad = "table ip bad { chain pre { type nat hook prerouting priority -100; masquerade; }; }"
    assert site.run(f"printf '%s\\n' '{good}' '{bad}' | nft -f -").status == 1
    assert "good" not in site.must("nft list tables")
    assert site.run(f"printf '%s\\n' '{good}' | nft -f -").status == 0
    assert "good" in site.must("nft list tables")


def sources_during(site: Site, swap: str, wanted: set[str], least: int = 0) -> set[str]:
    """Return the sources that packets leave with while a script runs again and again.

    Args:
        wanted: the sources to wait for.
        least: how many packets to send even if all of them were seen.
    """
    site.must(
        f"rm -f /run/stop; (until [ -e /run/stop ]; do {swap}; done; : > /run/stopped)"
        " >/dev/null 2>&1 </dev/null &"
    )
    seen: set[str] = set()
    for start in range(0, 5 * PROBES, 100):
        texts = (f"udp inside {port} remote 53 eth1" for port in range(start + 1, start + 101))
        seen |= {site.name(end.source) for end in site.send(*texts)}
        if wanted <= seen and start + 100 >= least:
            break
    site.must(": > /run/stop; until [ -e /run/stopped ]; do sleep 0.01; done")
    return seen


def test_packets_never_meet_a_half_built_table(site: Site) -> None:
    """Fact 4.1a."""
    swaps = [
        f"*nat\n{OWN}\n-A NATC-POST -o eth0 -j SNAT --to-source {name}\nCOMMIT"
        for name in (site.names.wan, site.names.other)
    ]
    site.must("\n".join(f"cat > /run/{n} <<'END'\n{swap}\nEND" for n, swap in enumerate(swaps)))
    site.load("POST -o eth0 -j SNAT --to-source {wan}")
    program = "iptables-restore -w 5 --noflush"
    both = {"wan", "other"}
    assert sources_during(site, f"{program} < /run/1; {program} < /run/0", both, PROBES) == both


def test_packets_do_meet_a_table_that_is_emptied_and_filled_by_commands(site: Site) -> None:
    """Fact 4.1e."""
    fill = f"iptables -w 5 -t nat -A POSTROUTING -o eth0 -j SNAT --to-source {site.names.wan}"
    leak = {"wan", "inside"}
    assert sources_during(site, f"iptables -w 5 -t nat -F; {fill}", leak) == leak


def test_a_restore_that_is_killed_before_its_commit_changes_nothing(site: Site) -> None:
    """Fact 4.2a."""
    # More than a pipe holds: when all of it is written, part of it was read.
    site.must(
        "mkfifo /run/text\n"
        "iptables-restore --noflush < /run/text & restoring=$!\n"
        "exec 9> /run/text\n"
        "(echo '*nat'; yes '-A PREROUTING -p tcp' | head -n 4000) >&9\n"
        "kill -9 $restoring; wait $restoring || :"
    )
    assert "-A PREROUTING -p tcp" not in rules(site)
    assert site.restored("*nat\n-A PREROUTING -p udp\nCOMMIT", "-w 1 --noflush").status == 0
    assert "-A PREROUTING -p udp" in rules(site)


def test_writers_at_once_lose_nothing(site: Site) -> None:
    """Fact 4.2b."""
    line = "printf '*nat\\n-A PREROUTING -m comment --comment %s\\nCOMMIT\\n' w$writer.$turn"
    site.must(
        "for writer in 1 2 3 4; do (\n"
        f"    for turn in 1 2 3; do {line} | iptables-restore -w 5 --noflush || exit 1; done\n"
        ") & done; wait"
    )
    expected = {f"w{writer}.{turn}" for writer in range(1, 5) for turn in range(1, 4)}
    assert {rule.split()[-1].strip('"') for rule in rules(site) if "comment" in rule} == expected


def test_own_counters_start_again_and_foreign_ones_go_on(site: Site) -> None:
    """Fact 4.2c."""
    site.restore("-A PREROUTING -m comment --comment theirs")
    site.restore(":OURS - [0:0]", "-A OURS -m comment --comment ours", "-A PREROUTING -j OURS")
    site.send("udp inside 5 remote 53 eth1", "udp inside 6 remote 53 eth1")
    assert site.hits() == {"theirs": 2, "ours": 2}
    site.restore(":OURS - [0:0]", "-A OURS -m comment --comment ours")
    assert site.hits() == {"theirs": 2}
    site.send("udp inside 5 remote 53 eth1")
    assert site.hits() == {"theirs": 3, "ours": 1}


def test_counters_can_be_restored_except_in_ipv6_by_nft(site: Site) -> None:
    """Fact 4.2d."""
    counted = "*nat\n:OURS - [0:0]\n[7:700] -A OURS -m comment --comment ours\nCOMMIT"
    assert site.restored(counted, "-c --noflush").status == 0
    is_lost = site.is_nft and not site.is_ipv4
    assert site.hits() == ({} if is_lost else {"ours": 7})


def text(*parts: str) -> str:
    return "\n".join(["*nat", OWN, *parts, "COMMIT"])


def test_a_replacement_fails_where_nothing_is_and_any_number_of_them_is_like_one(
    site: Site,
) -> None:
    """Fact 4.3a."""
    site.restore(":DOCKER - [0:0]", "-A DOCKER -p tcp", "-A PREROUTING -j DOCKER")
    foreign = rules(site)
    share = f"-A NATC-POST -o eth0 -j SNAT --to-source {site.names.wan}"
    replaced = text(TAKEN, ADDED, share)
    assert site.restored(replaced).status == 1
    assert rules(site) == foreign
    assert site.restored(text(ADDED, share)).status == 0
    installed = rules(site)
    for _ in range(3):
        assert site.restored(replaced).status == 0
        assert rules(site) == installed
    assert [rule for rule in installed if "NATC" not in rule] == foreign
    assert site.end("udp inside 5 remote 53 eth1") == "forwarded wan 5 remote 53 eth0"


def test_a_removal_leaves_what_was_there_before(site: Site) -> None:
    """Fact 4.3b."""
    site.restore(":DOCKER - [0:0]", "-A DOCKER -p tcp", "-A PREROUTING -j DOCKER")
    foreign = rules(site)
    assert site.restored(text(ADDED, "-A NATC-PRE -p tcp")).status == 0
    assert site.restored(text(TAKEN, GONE)).status == 0
    assert rules(site) == foreign
    assert site.restored(text(TAKEN, GONE)).status == 1
    assert site.restored(text(GONE)).status == 0
    assert rules(site) == foreign
