"""Disagreements that were found and made small, each a file of rules that the tests replay.

A file begins with three comments: the packet, what was wrong, and the packet's fields as JSON.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from natc.address import Family
from natc.dsl.parser import parse
from natc.packet import Packet
from natc.source import Source
from tests.kernel_diff.cases import Case, Dump, Written
from tests.kernel_diff.rig import Complaint

FOLDER = Path(__file__).with_name("regressions")


def save(case: Case, complaint: Complaint) -> Path:
    """Keep a case and the one packet that shows what is wrong."""
    packet = complaint.packet
    FOLDER.mkdir(exist_ok=True)
    name = hashlib.sha256(f"{case.text}{packet}".encode()).hexdigest()[:12]
    path = FOLDER / f"{name}.{case.SUFFIX}"
    fields = json.dumps({field: getattr(packet, field) for field in packet.FIELDS})
    path.write_text(f"# {packet}\n# {complaint.wrong}\n# {fields}\n{case.text}", encoding="utf-8")
    return path


def saved() -> Iterator[Case]:
    """Yield what was kept, each with its one packet."""
    for path in sorted(FOLDER.iterdir()):
        text = path.read_text(encoding="utf-8")
        fields = json.loads(text.splitlines()[2].removeprefix("# "))
        packet = Packet(**(fields | {"family": Family(fields["family"])}))
        if path.suffix == f".{Written.SUFFIX}":
            yield Written(path.name, parse(Source(path.name, text)), [packet])
        else:
            yield Dump(path.name, text, packet.family, [packet])
