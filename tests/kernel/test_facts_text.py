"""Kernel facts: what the restore programs read, store and refuse."""

import pytest

from natc.testlab import LoadError
from tests.kernel.site import Site, ipv4_only, ipv6_only

pytestmark = pytest.mark.kernel


def rules(site: Site) -> list[str]:
    """Return what was appended, as it is saved."""
    return [line[3:] for line in site.lab.save(site.family).splitlines() if line.startswith("-A ")]


def is_taken(site: Site, *lines: str) -> bool:
    """Say whether the restore program takes lines in the nat table."""
    return site.restored("\n".join(["*nat", *lines, "COMMIT"])).status == 0


@ipv4_only
def test_multiport_takes_fifteen_ports_and_a_range_counts_twice(site: Site) -> None:
    """Fact 2.20a."""
    ports = [str(port) for port in range(1, 17)]
    ranges = [f"{port}0:{port}9" for port in range(1, 9)]
    for few, many in ((ports[:15], ports), ([*ranges[:7], "7"], ranges)):
        match = "-A PREROUTING -p tcp -m multiport --dports"
        assert is_taken(site, f"{match} {','.join(few)} -j ACCEPT")
        assert not is_taken(site, f"{match} {','.join(many)} -j ACCEPT")


@ipv4_only
def test_a_comment_over_255_bytes_is_cut_without_a_word(site: Site) -> None:
    """Fact 2.20b."""
    for size in (255, 256, 300):
        assert is_taken(site, f"-A PREROUTING -m comment --comment {'x' * size}")
    assert [len(rule.split()[-1]) for rule in rules(site)] == [255] * 3


@ipv4_only
def test_a_chains_name_has_28_bytes_and_is_no_verdict(site: Site) -> None:
    """Fact 2.20c."""
    for name in ("C" * 28, "SNAT", "LOG"):
        assert is_taken(site, f":{name} - [0:0]"), name
    for name in ("C" * 29, "ACCEPT", "DROP", "RETURN", "QUEUE"):
        assert not is_taken(site, f":{name} - [0:0]"), name
    for name in ("-X", "!X"):
        assert is_taken(site, f":{name} - [0:0]") != site.is_nft, name


@ipv4_only
def test_an_interfaces_name_has_15_bytes(site: Site) -> None:
    """Fact 2.20d."""
    assert is_taken(site, f"-A PREROUTING -i {'i' * 15}")
    assert not is_taken(site, f"-A PREROUTING -i {'i' * 16}")


@ipv4_only
def test_a_word_has_less_than_1024_bytes(site: Site) -> None:
    """Fact 2.20e."""
    line = "-A PREROUTING -m comment --comment {}"
    assert is_taken(site, line.format("x" * 1023))
    refused = site.refusal(line.format("x" * 1024))
    assert "Parameter too long!" in refused.message


@ipv4_only
def test_ten_thousand_rules_load_in_one_text_for_root(site: Site) -> None:
    """Fact 2.20f."""
    rules = [
        f"PRE -p tcp -d 10.{n // 256}.{n % 256}.1 --dport 80 -j DNAT --to-destination {{server}}"
        for n in range(10_000)
    ]
    if site.is_nft and not site.lab.has_all_users:
        with pytest.raises(LoadError, match="Message too long"):
            site.load(*rules)
        del rules[300:]
    site.load(*rules)
    last = f"10.{(len(rules) - 1) // 256}.{(len(rules) - 1) % 256}.1"
    assert site.end(f"tcp remote 5 {last} 80 eth0") == "forwarded remote 5 server 80 eth1"


@ipv4_only
def test_double_quotes_quote_with_backslashes_and_single_ones_do_not(site: Site) -> None:
    """Fact 2.20g."""
    comment = "-A PREROUTING -m comment --comment"
    site.restore(rf'{comment} "a \" b \\ c"', f"{comment} 'd'")
    assert rules(site) == [
        r'PREROUTING -m comment --comment "a \" b \\ c"',
        r'PREROUTING -m comment --comment "\'d\'"',
    ]
    assert not is_taken(site, f"{comment} 'e f'")
    assert not is_taken(site, f'{comment} "g\nh"')


@ipv4_only
def test_a_nul_cuts_the_rest_of_its_line_without_a_word(site: Site) -> None:
    """Fact 2.20h."""
    site.restore("-A PREROUTING -p tcp\0 --dport 80 -j ACCEPT", "-A PREROUTING -p udp\0 nonsense")
    assert rules(site) == ["PREROUTING -p tcp", "PREROUTING -p udp"]


@ipv4_only
def test_rules_may_be_indented_but_not_end_with_a_carriage_return(site: Site) -> None:
    """Fact 2.20i."""
    site.restore("\t -A  PREROUTING\t-p  tcp   -j ACCEPT ")
    assert rules(site) == ["PREROUTING -p tcp -j ACCEPT"]
    assert site.refusal("-A PREROUTING -j ACCEPT\r").line == 2
    for text in ("*nat\r\nCOMMIT\r", "\ufeff*nat\nCOMMIT", " *nat\nCOMMIT", "*nat\n # no\nCOMMIT"):
        assert site.restored(text).status != 0, text


@ipv6_only
def test_an_ipv6_address_with_a_port_without_brackets_is_another_address(site: Site) -> None:
    """Fact 2.26a."""
    site.load(
        "PRE -p tcp -j DNAT --to-destination fd00:3::80:8080",
        "PRE -p udp -j DNAT --to-destination [fd00:3::80]:8080",
    )
    (seen,) = site.send("tcp remote 5 wan 80 eth0")
    assert (site.address(seen.destination), seen.destination_port) == ("fd00:3::80:8080", 80)
    (seen,) = site.send("udp remote 5 wan 80 eth0")
    assert (site.address(seen.destination), seen.destination_port) == ("fd00:3::80", 8080)


@ipv6_only
def test_brackets_stand_around_a_range_of_ipv6_and_are_saved_only_with_ports(site: Site) -> None:
    """Fact 2.26b."""
    site.load(
        "POST -p tcp -j SNAT --to-source [fd00:5::1-fd00:5::9]:2000-2999",
        "POST -p udp -j SNAT --to-source [fd00:5::1-fd00:5::9]",
    )
    (seen,) = site.send("tcp inside 5 remote 80 eth1")
    assert site.address(seen.source).startswith("fd00:5::")
    assert 2000 <= (seen.source_port or 0) <= 2999
    assert [rule.split()[-1] for rule in rules(site)[-2:]] == [
        "[fd00:5::1-fd00:5::9]:2000-2999",
        "fd00:5::1-fd00:5::9",
    ]


def ended(site: Site, *lines: str) -> tuple[int, bool]:
    """Return the status of a text that is refused, and whether its message names the third line."""
    done = site.restored("\n".join(["*nat", "-A PREROUTING -p tcp", *lines]))
    assert done.status != 0
    return done.status, "line 3" in done.output or "line: 3" in done.output


def test_a_mistake_in_the_text_ends_with_2_and_its_line(site: Site) -> None:
    """Fact 2.27a."""
    assert ended(site, "-A PREROUTING --bogus", "-A PREROUTING", "COMMIT") == (2, True)
    assert ended(site, "-A PREROUTING -j DROP", "COMMIT") == (2, True)


def test_a_mistake_of_structure_ends_with_1_and_its_line(site: Site) -> None:
    """Fact 2.27b."""
    assert ended(site, "-A NOWHERE -p tcp", "-A PREROUTING", "COMMIT") == (1, True)
    assert ended(site, "-D PREROUTING -p udp", "-A PREROUTING", "COMMIT") == (1, True)
    assert ended(site, "-A PREROUTING -p udp")[0] == 1
    assert "COMMIT expected" in site.restored("*nat\n-A PREROUTING").output


def test_a_jump_to_an_unknown_chain_is_named_by_a_later_line_in_nft(site: Site) -> None:
    """Fact 2.27c."""
    status, is_exact = ended(site, "-A PREROUTING -j NOWHERE", "-A PREROUTING", "COMMIT")
    assert (status, is_exact) == (2, not site.is_nft)


def test_what_the_kernel_refuses_ends_with_4_in_nft_and_1_in_legacy(site: Site) -> None:
    """Fact 2.27d."""
    refused = ended(site, "-A PREROUTING -j MASQUERADE", "-A PREROUTING", "COMMIT")
    assert refused == ((4, True) if site.is_nft else (1, False))


def test_legacy_checks_only_rules_that_can_be_reached(site: Site) -> None:
    """Fact 2.27e."""
    unreachable = ("-A PREROUTING -j ACCEPT", "-A PREROUTING -j MASQUERADE")
    assert is_taken(site, *unreachable) != site.is_nft
    assert is_taken(site, ":NOWHERE - [0:0]", "-A NOWHERE -j MASQUERADE")
    assert not is_taken(site, "-I PREROUTING 1 -j NOWHERE")


def test_a_loop_of_chains_that_can_be_reached_is_refused(site: Site) -> None:
    """Fact 2.27f."""
    loop = (":A - [0:0]", ":B - [0:0]", "-A A -j B", "-A B -j A")
    assert not is_taken(site, *loop, "-A PREROUTING -j A")
    assert is_taken(site, *loop)
    assert not is_taken(site, "-A PREROUTING -j A")


def test_a_trial_run_reads_the_text_and_does_not_ask_the_kernel(site: Site) -> None:
    """Fact 2.28a."""

    def tried(line: str) -> bool:
        return site.restored(f"*nat\n{line}\nCOMMIT", "--test --noflush").status == 0

    assert tried("-A PREROUTING -j MASQUERADE")
    assert not tried("-A PREROUTING --bogus")
    assert tried("-A PREROUTING -j NOWHERE") == site.is_nft
    assert tried("-A NOWHERE -p tcp") == site.is_nft
    assert rules(site) == []
    assert not is_taken(site, "-A PREROUTING -j MASQUERADE")


@ipv4_only
def test_nfts_own_check_does_not_see_a_target_in_the_wrong_hook(site: Site) -> None:
    """Fact 2.28b."""
    text = "table ip x { chain y { type nat hook prerouting priority -100; snat to 192.0.2.1; }; }"
    assert site.run(f"echo '{text}' | nft -c -f -").status == 0
    assert site.run(f"echo '{text}' | nft -f -").status == 1


def test_a_full_restore_without_policies_keeps_them_in_legacy_and_resets_them_in_nft(
    site: Site,
) -> None:
    """Fact 1.7."""
    assert site.restored("*nat\n:PREROUTING DROP [0:0]\nCOMMIT", "").status == 0
    assert site.end("udp remote 5 wan 53 eth0").startswith("dropped")
    assert site.restored("*nat\n-A POSTROUTING -j ACCEPT\nCOMMIT", "").status == 0
    expected = "delivered" if site.is_nft else "dropped"
    assert site.end("udp remote 5 wan 53 eth0").startswith(expected)
    assert site.restored("*nat\n:PREROUTING ACCEPT [0:0]\nCOMMIT", "").status == 0
    assert site.end("udp remote 5 wan 53 eth0").startswith("delivered")
