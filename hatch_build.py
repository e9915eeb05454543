"""Works out the parser's tables and the usual shapes of statements when the wheel is built."""

import re
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class SavedHook(BuildHookInterface):
    """Writes natc/dsl/nat.tables and natc/dsl/nat.shapes."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write both and have them packed."""
        sys.path.insert(0, self.root)
        from natc.dsl import saved, tables  # noqa: PLC0415 - importable only from here on
        from natc.dsl.parser import usual_shapes  # noqa: PLC0415

        saved.save(saved.TABLES, tables.dump(saved.grammar()))
        saved.save_shapes(usual_shapes(_policies(Path(self.root))))
        build_data["artifacts"] += ["natc/dsl/nat.tables", "natc/dsl/nat.shapes"]


_FROM = ("", " from a", " from 10.0.0.0/8", " from 10.0.0.1")
_TO = ("", " to a", " to 10.0.0.1", " to 10.0.0.0/8", " to not 10.0.0.0/8")
_NAMED = ("", " as a")


def _usual_rules() -> Iterator[str]:
    """Yield one rule of each usual form; names and numbers stand for all others."""
    pools = ("a", "10.0.0.1", "10.0.0.1-10.0.0.9", "10.0.0.9 persistent", "a persistent")
    for source, target, name in product(_FROM, pools, _NAMED):
        yield f"snat{source} out a -> {target}{name}"
        yield f"snat tcp{source} out a -> 10.0.0.1:1024-2048{name}"
    for protocol, source, to, name in product(("", " tcp"), _FROM, _TO, _NAMED):
        yield f"masquerade{protocol}{source}{to} out a{name}"
        yield f"exempt{protocol}{source}{to} out a{name}"
        yield f"exempt{protocol}{source}{to}{name}"
    services = ("tcp/80", "tcp/80-90", "a")
    places = ("on a", "in a", "to 10.0.0.1 in a", "to 10.0.0.1", "to a")
    ends = ("10.0.0.1", "10.0.0.1:80", "a", "a:80", "10.0.0.1:80 shift", "a:80 shift")
    for service, place, end, hairpin, name in product(
        services, places, ends, ("", " hairpin"), _NAMED
    ):
        verb = "port-forward" if place in ("on a", "to 10.0.0.1 in a") else "dnat"
        yield f"{verb} {service} {place} -> {end}{hairpin}{name}"
    for inside, outside, place, name in product(
        ("a", "10.0.0.1", "10.0.0.0/8"), ("a", "10.0.0.1", "10.0.0.0/8"), ("", " on a"), _NAMED
    ):
        yield f"static {inside} <-> {outside}{place}{name}"


def _usual_zones() -> Iterator[str]:
    """Yield zones of the usual forms, on one line and on several."""
    interfaces = ("interface a", "interface { a, a }")
    addresses = (
        "",
        "address 10.0.0.1",
        "address dynamic",
        "address { 10.0.0.1, 10.0.0.2 }",
        "address { 10.0.0.1, 10.0.0.0/8 }",
    )
    subnets = ("", "subnet 10.0.0.0/8", "subnet { 10.0.0.0/8, 10.0.0.0/8 }")
    for entries in product(interfaces, addresses, subnets):
        said = [entry for entry in entries if entry]
        yield f"zone a {{ {'; '.join(said)} }}"
        yield "\n    ".join(["zone a {", *said]) + "\n}"


def _policies(root: Path) -> Iterator[str]:
    """Yield policies whose statements are what people write."""
    yield "\n".join(_usual_zones())
    yield "\n".join(_usual_rules())
    for path in sorted(root.glob("policies/**/*.nat")):
        yield path.read_text(encoding="utf-8")
    for path in sorted(root.glob("docs/*.md")):
        text = path.read_text(encoding="utf-8")
        yield from re.findall(r"^```nat\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
