"""A real systemd as process 1 of a lab's own namespaces, for as long as it takes to boot a unit."""

import os

import pytest

from tests.host import daemons
from tests.host.gateway import Gateway

CGROUP = f"natc-boot-{os.getpid()}"

_TARGET = """\
[Unit]
DefaultDependencies=no
Wants=natc.service looking.service
"""

_LOOKING = """\
[Unit]
DefaultDependencies=no
After=natc.service network-pre.target
SuccessAction=exit-force
FailureAction=exit-force

[Service]
Type=oneshot
WorkingDirectory=/run/work
ExecStart=/bin/sh -c "iptables-save >rules.4; ip6tables-save >rules.6"
ExecStart=/bin/sh -c "ip rule >routing; ip link >links; readlink /run/natc/current >current"
ExecStart=/bin/sh -c "systemctl show --property=Result,ExecMainStatus natc.service >result"
"""
"""What stands where a network would be brought up, and looks at the rules instead."""

_START = """\
set -e
mount -t tmpfs run /run
# Nothing of the host's may be written to, whatever systemd thinks of this boot: the rescue target
# alone would have temporary files removed.
mkdir /run/work
mount --bind . /run/work
mount -t tmpfs tmp /tmp
mount -t tmpfs tmp /var/tmp
mount -o remount,bind,ro /
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir /run/dev /run/dev/shm /run/dev/pts
for node in null zero full random urandom; do
    touch /run/dev/$node
    mount --bind /dev/$node /run/dev/$node
done
mount --bind /run/dev /dev
exec env -i PATH=/usr/sbin:/usr/bin container=natc /lib/systemd/systemd \\
    --unit=looking.target --log-target=null --show-status=no </dev/null
"""

_RUN = f"""
for top in /sys/fs/cgroup/unified /sys/fs/cgroup none; do
    [ -e $top/cgroup.controllers ] && break
done
mkdir $top/{CGROUP} || exit 77
(echo 0 >$top/{CGROUP}/cgroup.procs && exec timeout -s KILL 30 unshare --cgroup --net --mount \\
    --pid --ipc --uts --fork --kill-child sh start)
code=$?
find $top/{CGROUP} -depth -type d -exec rmdir {{}} ';'
exit $code
"""


def boot(gateway: Gateway) -> dict[str, str]:
    """Boot natc's unit in a new network namespace; return what a later unit saw, by file name."""
    daemons.need("systemd-analyze", "unshare", "timeout")
    gateway.must(daemons.ALTERNATIVES)
    units = "/etc/systemd/system"
    gateway.policy("looking.target", _TARGET)
    gateway.policy("looking.service", _LOOKING)
    gateway.must(f"cp looking.target looking.service {units}")
    gateway.policy("start", _START)
    done = gateway.run(_RUN)
    if done.status == 77:
        pytest.skip(f"no control group of version 2 to be had: {done.output}")
    assert done.status == 0, done.output
    names = ("rules.4", "rules.6", "routing", "links", "current", "result")
    return {name: (gateway.folder / name).read_text() for name in names}
