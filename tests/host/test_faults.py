"""What goes wrong on a gateway: a clear message, exit code 3, and the gateway as it was."""

import sys

import pytest

from natc.testlab import Flavour
from tests.host.gateway import FIRST, FOREIGN, LASTING, PASSING, SECOND, Gateway

pytestmark = pytest.mark.kernel

FOUR = "".join(line for line in FIRST.splitlines(keepends=True) if "web6" not in line)
"""The first policy without IPv6."""

NATC = f"{sys.executable} -m natc"
"""natc for programs that know no shell functions."""


@pytest.fixture
def second(gateway: Gateway) -> str:
    """A gateway with the first policy in place and the second one at hand."""
    gateway.must(FOREIGN)
    gateway.natc(f"apply {gateway.policy('first.nat', FIRST)}")
    return gateway.policy("second.nat", SECOND)


def fails(gateway: Gateway, script: str, *words: str) -> str:
    """Run a script that natc cannot do, and see that the gateway is as it was."""
    before, links = gateway.everything(), gateway.links()
    done = gateway.run(script)
    assert done.status == 3, done.output
    assert "Traceback" not in done.output
    assert "bug in natc" not in done.output
    for word in words:
        assert word in done.output
    assert gateway.everything() == before
    assert gateway.links() == links
    return done.output


def test_without_privilege(gateway: Gateway, second: str) -> None:
    script = f"setpriv --bounding-set -net_admin {NATC} apply {second}"
    said = fails(gateway, script, "ermission denied", "run natc as root")
    assert len(said.splitlines()) <= 3


def test_without_iptables(gateway: Gateway, second: str) -> None:
    script = f"""
        mkdir /run/empty
        mount --bind /run/empty /run/natc-lab/bin
        mount --bind /run/empty /usr/sbin
        natc apply {second}; code=$?
        umount /usr/sbin; umount /run/natc-lab/bin
        exit $code
    """
    fails(gateway, script, "`iptables-restore` is not installed", "Debian package iptables")


def test_while_another_natc_is_at_work(gateway: Gateway, second: str) -> None:
    script = f"exec 8>>{PASSING}/lock; flock 8; natc apply {second} --wait 1 8>&-"
    fails(gateway, script, "another natc is at work", "--wait")


def test_while_another_program_holds_the_xtables_lock(gateway: Gateway, second: str) -> None:
    if gateway.flavour is Flavour.NFT:
        pytest.skip("programs of nf_tables take no lock")
    script = f'exec 8>>"$XTABLES_LOCKFILE"; flock 8; natc apply {second} --wait 1 8>&-'
    fails(gateway, script, "xtables lock")


@pytest.mark.parametrize("when", ["at once", "only after the rehearsal"])
def test_with_a_kernel_that_has_no_nat_table_for_one_family(
    gateway: Gateway, second: str, when: str
) -> None:
    """IPv4 is in place by then, and is put back as it was."""
    gateway.natc("remove")
    gateway.natc(f"apply {gateway.policy('four.nat', FOUR)}")
    folder = gateway.folder / "bin"
    folder.mkdir()
    program = folder / "ip6tables-restore"
    real = gateway.must(
        f"PATH=$PATH:/usr/sbin command -v ip6tables-{gateway.flavour}-restore"
    ).strip()
    # A rehearsal has a /run of its own, without natc's folder.
    only_here = "" if when == "at once" else f'[ -e {PASSING}/lock ] || exec {real} "$@"'
    program.write_text(f"""#!/bin/sh
case $1 in --version) exec {real} --version ;; esac
{only_here}
cat >/dev/null
echo "ip6tables-restore: unable to initialize table 'nat': Table does not exist" \\
    "(do you need to insmod?)" >&2
exit 3
""")
    program.chmod(0o755)
    fails(gateway, f"export PATH={folder}:$PATH; natc apply {second}", "insmod", "module")
    assert gateway.leftovers() == []


@pytest.mark.parametrize("folder", [LASTING, PASSING])
def test_with_a_full_disk(gateway: Gateway, second: str, folder: str) -> None:
    # A file system of the same content with no room left.
    script = f"""
        mkdir /run/copy; cp -a {folder}/. /run/copy
        mount -t tmpfs -o size=64k full {folder}; cp -a /run/copy/. {folder}
        dd if=/dev/zero of={folder}/fill bs=1k count=64 2>/dev/null
        natc apply {second}; code=$?
        ls -A {folder} {folder}/generations 2>/dev/null | sed -n 's/.*\\(way-back\\|new\\).*/left: &/p'
        umount {folder}
        exit $code
    """
    said = fails(gateway, script, "No space left on device")
    assert "left:" not in said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "it is damaged"),
        ("[]", "it is damaged"),
        ('{"version": 1}', "it is damaged"),
        ('{"version": 2}', "a later natc"),
        ("", "it is damaged"),
    ],
)
def test_with_a_state_that_cannot_be_read(
    gateway: Gateway, second: str, text: str, words: str
) -> None:
    meta = f"{LASTING}/generations/1/meta.json"
    gateway.must(f"cp {meta} /run/meta; printf '%s' '{text}' >{meta}")
    for command in (f"apply {second}", "rollback", "remove"):
        fails(gateway, f"natc {command}", words, meta)
    gateway.must(f"cp /run/meta {meta}")
    gateway.natc(f"apply {second}")


def test_a_link_that_leads_nowhere(gateway: Gateway, second: str) -> None:
    gateway.must(f"ln -sfn {LASTING}/generations/7 {PASSING}/current")
    fails(gateway, f"natc apply {second}", "generations/7", "No such file")


def test_when_the_wall_clock_jumps_while_an_apply_waits(gateway: Gateway, second: str) -> None:
    """Neither a day back nor a day forward keeps or confirms anything: nobody asks that clock."""
    before = gateway.everything()
    for day in ("-1", "+1"):
        offset = f"{sys.executable} -c 'import runpy, sys, time; real = time.time; "
        offset += f'time.time = lambda: real() {day} * 86400; sys.argv[0] = "natc"; '
        offset += 'runpy.run_module("natc", run_name="__main__")\''
        gateway.must(f"{offset} apply {second} --confirm 2")
        assert gateway.everything() != before
        done = gateway.run(f"{offset} apply {second}")
        assert done.status == 3
        assert "waits to be confirmed" in done.output
        gateway.must(
            f"for try in $(seq 100); do ls -d {PASSING}/way-back-* 2>/dev/null || exit 0;"
            " sleep 0.1; done; exit 1"
        )
        assert gateway.everything() == before
