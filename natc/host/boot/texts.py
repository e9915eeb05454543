"""The files that put the rules back at boot, as texts.  Pure.

What runs at boot is a shell script: neither natc nor Python is there when it runs, and no
network interface need be.
"""

import shlex

from natc.diagnostics.text import printable

MARK = "Made by `natc install-boot`"
"""Stands in the head of every file that natc may replace or take away."""

_SCRIPT = """\
#!/bin/sh
# {mark}; do not edit.
# Puts the rules in place that natc last confirmed, of both families, without natc and without
# Python.  What waits to be confirmed is undone.  Any number of times, at any moment.
set -u
umask 022
PATH={path}
export PATH
NATC_WAIT=${{NATC_WAIT:-30}}
export NATC_WAIT
state={state}
run={passing}
# Hooks call it for each interface, but only the first call of a boot counts.
once={once}

say() {{
    printf 'natc: %s\\n' "$*" >&2
    [ -z "$once" ] || logger -t natc -- "$*" 2>/dev/null || :
}}

fail() {{
    say "$@"
    exit 3
}}

mkdir -p "$run" || fail "cannot make $run"
if command -v flock >/dev/null 2>&1; then
    exec 9>>"$run/lock"
    flock 9 || fail "cannot lock $run/lock"
fi
boot=$(cat /proc/sys/kernel/random/boot_id)
if [ -n "$once" ] && [ "$(cat "$run/restored" 2>/dev/null)" = "$boot" ]; then
    exit 0
fi

for way in "$run"/way-back-*; do
    [ -e "$way/undo.sh" ] || continue
    say 'an apply was cut short or not confirmed, and is undone'
    sh "$way/undo.sh" || fail "$way/undo.sh cannot restore the rules of before: see $way/log"
done

[ -d "$state/generations" ] || fail "$state/generations is not there"
if [ ! -L "$state/boot" ]; then
    [ ! -e "$state/boot" ] || fail "$state/boot is damaged: it is no link"
    say 'nothing is confirmed: no rules to restore'
    exit 0
fi
generation=$(unset CDPATH; cd -P "$state/boot" 2>/dev/null && pwd -P) ||
    fail "$state/boot is damaged: it leads nowhere ($(readlink "$state/boot"))"
rules=$generation/install.sh
[ -s "$rules" ] || fail "$rules is damaged: it is missing or empty"
if [ -e "$generation/sums" ] && command -v sha256sum >/dev/null 2>&1; then
    (cd "$generation" && sha256sum -c sums) >/dev/null 2>&1 ||
        fail "$rules is damaged: its checksum is not that of $generation/sums"
else
    sh -n "$rules" || fail "$rules is damaged"
fi

# Policy routing to the loopback needs it up, and hooks may run before it is.
ip link set dev lo up 2>/dev/null || :
sh "$rules" || fail "$rules failed; the rules of this gateway are not whole"
rm -f "$run"/served-*.json  # What `natc watch` made of these rules is no longer there.
ln -sfn "$generation" "$run/current" || fail "cannot write $run/current"
printf '%s\\n' "$boot" >"$run/restored" || fail "cannot write $run/restored"
"""

_UNIT = """\
# {mark}; do not edit.  `systemctl edit natc` adds to it.
[Unit]
Description=NAT rules of natc, as last confirmed
Documentation=man:iptables-restore(8)
DefaultDependencies=no
RequiresMountsFor={state} {script}
# Before any interface is up, and after what replaces whole tables.
Wants=network-pre.target
Before=network-pre.target shutdown.target
After=local-fs.target systemd-modules-load.service
After=nftables.service netfilter-persistent.service iptables.service ip6tables.service
After=ufw.service firewalld.service
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
# There is no ExecStop: to stop the service leaves the rules.  `natc remove` takes them away.
ExecStart=/bin/sh {script}
ExecReload=/bin/sh {script}
TimeoutSec=2min

# CAP_NET_RAW and CAP_SYS_MODULE: legacy iptables opens a raw socket, and loads its modules itself.
CapabilityBoundingSet=CAP_NET_ADMIN CAP_NET_RAW CAP_SYS_MODULE
RestrictAddressFamilies=AF_UNIX AF_NETLINK AF_INET AF_INET6
SystemCallArchitectures=native
SystemCallFilter=@system-service @module
SystemCallErrorNumber=EPERM
ProtectSystem=strict
ReadWritePaths=/run -{passing} -{state}
ProtectHome=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelTunables=yes
ProtectProc=invisible
DevicePolicy=closed
LockPersonality=yes
MemoryDenyWriteExecute=yes
NoNewPrivileges=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
UMask=0022

[Install]
WantedBy=sysinit.target
"""
"""Source: systemd.special(7), network-pre.target; systemd.exec(5), 252.

`Before=` and `After=` of units that are not there mean nothing.
"""


def script_text(state: str, passing: str, path: str, *, once: bool) -> str:
    """Return the shell script.

    Args:
        state: the folder that lasts.
        passing: the folder that does not.
        path: where programs are looked for.
        once: whether calls after the first one of a boot do nothing.
    """
    return _SCRIPT.format(
        mark=MARK,
        state=shlex.quote(state),
        passing=shlex.quote(passing),
        path=shlex.quote(path),
        once="yes" if once else "",
    )


def unit_text(state: str, passing: str, script: str) -> str:
    """Return the systemd unit that runs a script.

    Raises:
        ValueError: a path holds what units give a meaning of its own.
    """
    for path in (state, passing, script):
        if not all(char.isalnum() or char in "/._-+@:," for char in path):
            raise ValueError(path)
    return _UNIT.format(mark=MARK, state=state, passing=passing, script=script)


def sysctl_text(settings: dict[str, str], policy: str) -> str:
    """Return the file for sysctl.d that holds kernel settings.

    Args:
        settings: path under /proc/sys to value.
    """
    lines = [f"# {MARK}; do not edit.", f"# What the rules of {printable(policy)} need."]
    lines += [f"{name} = {value}" for name, value in settings.items()]
    return "".join(f"{line}\n" for line in lines)
