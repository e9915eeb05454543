"""What `natc test` prints: a line a test, a line a packet, or JSON."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from natc.diagnostics.text import printable
from natc.ir.policy import Test
from natc.packet import PROTOCOL_NAMES, Packet, endpoint
from natc.record import Record
from natc.source import Span

MODEL = "model"


class Verdict(Record):
    """What one engine says of one packet.

    Attributes:
        became: what becomes of the packet, in the words of `expect`.
        lines: for the model, the policy lines that decided, for each way the packet can end.
        problem: what became of the packet instead; None when it is as expected.
        deciders: for the model, the rules that decided; None for a kernel.
    """

    test: Test
    engine: str
    became: str
    lines: tuple[tuple[str, ...], ...]
    problem: str | None
    deciders: tuple[Span, ...] | None = None


def tests(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """Yield one line a test: its name, and what each engine says."""
    groups = [(source, printable(name), found) for source, name, found in _by_test(verdicts)]
    width = max((len(name) for _, name, _ in groups), default=0)
    file = None
    for source, name, found in groups:
        if source != file:
            file = source
            yield printable(source)
        engines = dict.fromkeys(verdict.engine for verdict in found)
        marks = "   ".join(
            f"{engine} {_mark(v for v in found if v.engine == engine)}" for engine in engines
        )
        yield f"  {name:{width}}   {marks}"
    yield _sum(groups)


def packets(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """Yield a table of each packet: what becomes of it, by which lines, and who says so."""
    groups = list(_by_test(verdicts))
    rows = []
    for _, _, found in groups:
        by_packet: dict[int, list[Verdict]] = {}
        for verdict in found:
            by_packet.setdefault(verdict.test.origin.start, []).append(verdict)
        rows.append([_row(same) for same in by_packet.values()])
    widths = [_width([row[column] for group in rows for row in group]) for column in range(3)]
    engines = dict.fromkeys(verdict.engine for verdict in verdicts)
    seen_by = ", ".join(engines)
    yield f"packet -> what becomes of it, the policy line that decides, as seen by {seen_by}"
    file = None
    for (source, name, _), group in zip(groups, rows, strict=True):
        if source != file:
            file = source
            yield f"\n{printable(source)}"
        yield f"\n  {printable(name)}"
        for packet, became, lines, marks in group:
            yield (
                f"  {packet:{widths[0]}} -> {became:{widths[1]}}  {lines:{widths[2]}}  {marks}"
            ).rstrip()
    yield f"\n{_sum(groups)}"


def _row(verdicts: Sequence[Verdict]) -> tuple[str, str, str, str]:
    kernels = {v.became for v in verdicts if v.engine != MODEL}
    model = next((v.became for v in verdicts if v.engine == MODEL), "")
    # Where two kernels chose differently, the model's set says it better than two draws.
    said = kernels.pop() if len(kernels) == 1 else model
    lines = dict.fromkeys("+".join(way) for v in verdicts for way in v.lines if way)
    failed = [verdict.engine for verdict in verdicts if verdict.problem]
    marks = f"FAIL: {', '.join(failed)}" if failed else "ok"
    where = f"line {' or '.join(lines)}" if lines else "no rule"
    return _packet(verdicts[0].test.packet), said, where, marks


def _width(texts: Sequence[str]) -> int:
    """Return the width of a column: that of its longest text but for the longest tenth."""
    lengths = sorted(map(len, texts))
    return lengths[len(lengths) * 9 // 10] if lengths else 0


def _packet(packet: Packet) -> str:
    protocol = PROTOCOL_NAMES.get(packet.protocol, str(packet.protocol))
    ends = (
        endpoint(packet.family, packet.source, packet.source_port),
        endpoint(packet.family, packet.destination, packet.destination_port),
    )
    return f"{packet.in_interface or 'local':>8}: {protocol} {ends[0]} > {ends[1]}"


def _by_test(verdicts: Iterable[Verdict]) -> Iterator[tuple[str, str, list[Verdict]]]:
    """Yield file, test and its verdicts, in the order of the policies."""
    found: dict[tuple[str, str], list[Verdict]] = {}
    for verdict in verdicts:
        key = (verdict.test.origin.source.name, verdict.test.name)
        found.setdefault(key, []).append(verdict)
    for (source, name), same in found.items():
        yield source, name, same


def _sum(groups: Sequence[tuple[str, str, list[Verdict]]]) -> str:
    if not groups:
        return "no tests"
    failed = sum(any(verdict.problem for verdict in found) for _, _, found in groups)
    noun = "test" if len(groups) == 1 else "tests"
    if failed:
        return f"{failed} of {len(groups)} {noun} {'fails' if len(groups) == 1 else 'fail'}"
    return f"{len(groups)} {noun} pass" if noun == "tests" else "1 test passes"


def _mark(verdicts: Iterable[Verdict]) -> str:
    return "FAIL" if any(verdict.problem for verdict in verdicts) else "ok"


def json_text(verdicts: Iterable[Verdict], assertions: list[dict[str, Any]]) -> str:
    """Return all verdicts as JSON; versioned: fields are added, never changed."""
    found = [
        {
            "file": verdict.test.origin.source.name,
            "line": verdict.test.origin.line,
            "name": verdict.test.name,
            "packet": str(verdict.test.packet),
            "engine": verdict.engine,
            "became": verdict.became,
            "passed": verdict.problem is None,
            "problem": verdict.problem,
        }
        for verdict in verdicts
    ]
    whole = {"version": 1, "tests": found, "assertions": assertions}
    return json.dumps(whole, indent=2, ensure_ascii=False)
