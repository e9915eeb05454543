"""Which saved rules this machine loads at boot, and how: by the scripts and units that do it.

Only what is certain: a command whose words are a shell's variables is left out.
"""

import os
import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from natc.address import Family
from natc.host.doctor.facts import Loading

_SCRIPTS = ("etc/rc.local", "etc/network/if-pre-up.d/*", "etc/network/if-up.d/*")
"""Run at boot where they are executable.  Source: interfaces(5), systemd-rc-local-generator(8)."""

_WANTED = "etc/systemd/system/*.wants/*.service"
"""Units that are enabled.  Source: systemd.unit(5)."""

_COMMAND = re.compile(r"\bip(?P<six>6?)tables(?:-nft|-legacy)?-restore\b(?P<rest>[^|;&\n]*)")

_PERSISTENT = "netfilter-persistent.service"
_PLUGINS = {
    "15-ip4tables": (Family.IPV4, "/etc/iptables/rules.v4"),
    "25-ip6tables": (Family.IPV6, "/etc/iptables/rules.v6"),
}
_DEFAULTS = "/etc/default/netfilter-persistent"
_NOFLUSH = re.compile(r"^\s*(?:export\s+)?IPTABLES_RESTORE_NOFLUSH=([\"']?)yes\1\s*$", re.MULTILINE)
"""Source: iptables-persistent 1.0.20, plugins.d/15-ip4tables, load_rules()."""

_INIT = {
    "iptables.init": (Family.IPV4, "/etc/sysconfig/iptables"),
    "ip6tables.init": (Family.IPV6, "/etc/sysconfig/ip6tables"),
}
"""Source: iptables-services of Fedora, iptables.init, start()."""

_LARGEST = 64 << 20
"""Bytes of a file that natc reads."""


def loadings(root: Path) -> tuple[Loading, ...]:
    """Return what is loaded at boot on the machine whose files lie below `root`."""
    found: dict[tuple[str, str], Loading] = {}
    for one in _all(root):
        found.setdefault((one.path, one.by), one)
    return tuple(found.values())


def _all(root: Path) -> Iterator[Loading]:
    for pattern in _SCRIPTS:
        for script in sorted(root.glob(pattern)):
            if os.access(script, os.X_OK):
                yield from _of_script(root, script)
    for unit in sorted(root.glob(_WANTED)):
        if unit.name == _PERSISTENT:
            yield from _of_plugins(root)
        else:
            yield from _of_unit(root, unit)


def _of_script(root: Path, script: Path) -> Iterator[Loading]:
    by = f"/{script.relative_to(root)}"
    for line in _text(script).splitlines():
        if not line.lstrip().startswith("#"):
            yield from _of_command(root, line, by)


def _of_unit(root: Path, unit: Path) -> Iterator[Loading]:
    for line in _text(_real(root, unit)).splitlines():
        if line.startswith("ExecStart"):
            yield from _of_command(root, line, unit.name)
            for init, (family, path) in _INIT.items():
                if init in line:
                    yield from _loading(root, family, path, unit.name, keeps=False)


def _of_plugins(root: Path) -> Iterator[Loading]:
    keeps = _NOFLUSH.search(_text(root / _DEFAULTS[1:])) is not None
    for plugin, (family, path) in _PLUGINS.items():
        if (root / "usr/share/netfilter-persistent/plugins.d" / plugin).is_file():
            yield from _loading(root, family, path, _PERSISTENT, keeps=keeps)


def _of_command(root: Path, line: str, by: str) -> Iterator[Loading]:
    for found in _COMMAND.finditer(line):
        try:
            words = shlex.split(found["rest"].replace("<", " < "), comments=True)
        except ValueError:
            continue
        if any(char in word for word in words for char in "$`*?"):
            continue
        family = Family.IPV6 if found["six"] else Family.IPV4
        paths = [word for word in words if word.startswith("/")]
        if len(paths) == 1 and not _has(words, "test", "t"):
            yield from _loading(root, family, paths[0], by, keeps=_has(words, "noflush", "n"))


def _has(words: Sequence[str], long: str, short: str) -> bool:
    """Whether an option stands among words, alone or with other letters."""
    return any(
        word == f"--{long}" or re.fullmatch(f"-[a-zA-Z]*{short}[a-zA-Z]*", word) for word in words
    )


def _loading(root: Path, family: Family, path: str, by: str, *, keeps: bool) -> Iterator[Loading]:
    text = _text(root / path[1:])
    if text:
        yield Loading(family, path, text, by, keeps)


def _real(root: Path, unit: Path) -> Path:
    """Return the file that a link to a unit means, below `root` as well."""
    if unit.is_symlink() and (target := str(unit.readlink())).startswith("/"):
        return root / target[1:]
    return unit


def _text(path: Path) -> str:
    """Return a file's text; nothing where it is missing, unreadable or huge."""
    try:
        if path.stat().st_size > _LARGEST:
            return ""
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
