"""Loading, saving, scripts and sets."""

import pytest

from natc.address import Family
from natc.record import replace
from natc.testlab import Flavour, LabError, LoadError, Untestable
from tests.kernel.site import Site, restore_text

pytestmark = pytest.mark.kernel


def refusal(site: Site, text: str) -> LoadError:
    with pytest.raises(LoadError) as caught:
        site.lab.load(text, site.family)
    assert caught.value.flavour == site.flavour
    assert caught.value.family is site.family
    assert caught.value.message
    return caught.value


def line_of(text: str, part: str) -> int:
    return next(n for n, line in enumerate(text.splitlines(), 1) if part in line)


def test_a_rule_that_does_not_parse_is_named_by_its_line(site: Site) -> None:
    """Fact 2.27a."""
    text = restore_text(
        "PRE -p tcp --dport 80 -j REDIRECT", "PRE --no-such-option", "POST -j MASQUERADE"
    )
    assert refusal(site, text).line == line_of(text, "no-such-option")


def test_what_the_kernel_refuses_is_named_as_well_as_the_program_can(site: Site) -> None:
    """Fact 2.27d."""
    text = restore_text("PRE -p tcp -j REDIRECT", "PRE -j MASQUERADE", "POST -j MASQUERADE")
    culprit = "PRE -j MASQUERADE" if site.flavour is Flavour.NFT else "COMMIT"
    assert refusal(site, text).line == line_of(text, culprit)


def test_a_refused_text_changes_nothing(site: Site) -> None:
    """Fact 4.1b."""
    site.load("PRE -p tcp --dport 80 -j DNAT --to-destination {server}")
    before = site.lab.save(site.family)
    refusal(site, restore_text("PRE -p tcp --dport 81 -j REDIRECT", "PRE --no-such-option"))
    after = site.lab.save(site.family)

    def rules(text: str) -> list[str]:
        return [line for line in text.splitlines() if line.startswith("-A")]

    assert rules(after) == rules(before)
    assert site.end("tcp remote 5 wan 80 eth0") == "forwarded remote 5 server 80 eth1"


def test_save_shows_what_was_loaded(site: Site) -> None:
    site.load("POST -o eth0 -j MASQUERADE", "PRE -i eth0 -p udp -j DNAT --to-destination {server}")
    saved = site.lab.save(site.family)
    assert "-A NATC-POST -o eth0 -j MASQUERADE" in saved
    assert f"--to-destination {site.names.server}" in saved
    other = Family.IPV6 if site.family is Family.IPV4 else Family.IPV4
    assert "NATC" not in site.lab.save(other)


def test_the_two_flavours_do_not_see_each_other(site: Site) -> None:
    """Fact 2.31."""
    site.load("POST -o eth0 -j MASQUERADE")
    other = "legacy" if site.flavour is Flavour.NFT else "nft"
    shown = site.lab.run(f"iptables-{other}-save; ip6tables-{other}-save")
    assert shown.status == 0
    assert "-A NATC" not in shown.output


def test_scripts_find_the_flavour_under_the_plain_names(site: Site) -> None:
    program = "iptables" if site.family is Family.IPV4 else "ip6tables"
    word = "nf_tables" if site.flavour is Flavour.NFT else "legacy"
    done = site.lab.run(
        f"""
        set -eu
        {program} -V
        {program}-restore --noflush -w 5 <<'END'
{restore_text("POST -o eth0 -j MASQUERADE")}
END
        {program}-save -t nat | grep -c NATC-POST
        """
    )
    assert done.status == 0, done.output
    assert word in done.output
    assert site.end("udp inside 5 remote 53 eth1") == "forwarded wan 5 remote 53 eth0"


def test_a_scripts_status_and_output_come_back(site: Site) -> None:
    done = site.lab.run("echo out; echo err >&2; exit 7")
    assert (done.status, done.output) == (7, "out\nerr\n")


def test_a_script_that_does_not_end_is_given_up(site: Site) -> None:
    with pytest.raises(LabError, match="did not end"):
        site.lab.run("sleep 60", timeout=0.05)
    assert site.lab.run("true").status == 0


def test_a_script_that_flushes_everything_leaves_the_lab_working(site: Site) -> None:
    site.load("POST -o eth0 -j MASQUERADE")
    assert site.lab.run("nft flush ruleset").status == 0
    flushed = site.flavour is Flavour.NFT
    source = "inside" if flushed else "wan"
    assert site.end("udp inside 5 remote 53 eth1") == f"forwarded {source} 5 remote 53 eth0"


def test_sets_hold_their_members(site: Site) -> None:
    kind = "hash:net"
    site.lab.ipset("friends", [site.names.lan_net], kind, site.family)
    site.lab.ipset("nobody", family=site.family)
    site.load(
        "POST -o eth0 -m set --match-set nobody src -j SNAT --to-source {other}",
        "POST -o eth0 -m set --match-set friends src -j SNAT --to-source {wan}",
    )
    assert site.end("udp inside 5 remote 53 eth1") == "forwarded wan 5 remote 53 eth0"
    assert site.end("udp visitor 5 remote 53 br0") == "forwarded visitor 5 remote 53 eth0"


def test_a_packet_that_cannot_be_made_is_refused_with_the_reason(site: Site) -> None:
    tcp = site.packet("tcp inside 5 remote 80 eth1")
    local = site.packet("tcp wan 5 remote 80 local")
    icmp = "icmpv6" if site.family is Family.IPV4 else "icmp"
    cases = {
        "no interface `eth9`": replace(tcp, in_interface="eth9"),
        "no user `no-such-user`": replace(local, user="no-such-user"),
        "needs both ports": replace(tcp, source_port=None),
        "is no protocol of": site.packet(f"{icmp} inside - remote - eth1"),
    }
    for reason, packet in cases.items():
        assert reason in (site.lab.obstacle(packet) or "")
        with pytest.raises(Untestable, match=reason):
            site.lab.probe([tcp, packet])
    assert site.lab.obstacle(tcp) is None
