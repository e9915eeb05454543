"""A packet's story for a terminal."""

from collections.abc import Iterable, Iterator, Sequence

from natc.diagnostics.text import printable
from natc.ir.fields import interface_patterns
from natc.record import replace
from natc.simulate.effects import flow
from natc.simulate.events import Event
from natc.simulate.paths import percent
from natc.simulate.spelling import side
from natc.simulate.story import Alternative, Ending, Story

_LONGEST_LABEL, _LONGEST_COMMENT = 64, 36
"""Columns of a rule's text with its comment, and of the comment; in JSON both are complete."""

_WIDEST = 44
"""Columns of what happens; longer texts push their labels away."""

_MOST_CASES = 3

_HINTS = {
    "addresses": "say which addresses are the gateway's, each with `--own ADDRESS`",
    "way out": "say where the packet leaves, by `out INTERFACE` in it",
}

Row = tuple[str, str, str]
"""Station, what happens there, whose doing."""


def text(stories: Iterable[Story], dump: str | None) -> str:
    """Return stories, an empty line between them.

    Args:
        dump: the name of the one text that all rules stand in; None for a policy.
    """
    head = "" if dump is None else f"{printable(dump)}\n\n"
    return head + "\n\n".join("\n".join(_Telling(story, dump).lines()) for story in stories) + "\n"


class _Telling:
    """One story on its way to lines."""

    def __init__(self, story: Story, dump: str | None) -> None:
        self._story = story
        self._is_dump = dump is not None
        self._ways = [list(self._rows(each)) for each in story.alternatives]
        rows = [row for way in self._ways for row in way]
        self._stage_width = max(len(row[0]) for row in rows)
        labelled = [len(row[1]) for row in rows if row[2] and len(row[1]) <= _WIDEST]
        self._words_width = max(labelled, default=0)

    def lines(self) -> Iterator[str]:
        story, ways = self._story, self._ways
        yield str(story.packet)
        if len(ways) == 1:
            yield from self._table(ways[0])
        else:
            shared = _shared(ways)
            yield from self._table(ways[0][:shared])
            for number, way in enumerate(ways, 1):
                alternative = story.alternatives[number - 1]
                result = _result(story, alternative.ending)
                yield ""
                yield printable(f"  {number} of {len(ways)}: {result}{_chance(alternative)}")
                yield from (printable(f"    {line}") for line in _conditions(alternative))
                yield from (f"  {line}" for line in self._table(way[shared:]))
        notes = [*story.notes, *(_HINTS[word] for word in sorted(story.unknown))]
        if not story.is_whole:
            notes.append("the packet can end in more ways than these")
        if notes and len(ways) > 1:
            yield ""
        yield from (printable(f"  note: {note}") for note in notes)

    def _table(self, rows: Iterable[Row]) -> Iterator[str]:
        before = ""
        for stage, words, label in rows:
            shown = "" if stage == before else stage
            line = f"  {shown:{self._stage_width}}  {words:{self._words_width}}  {label}"
            yield line.rstrip()
            before = stage

    def _rows(self, alternative: Alternative) -> Iterator[Row]:
        for event in _shorter(alternative.events):
            stage = printable(_stage(event))
            yield stage, printable(event.words), self._label(event)
            yield from ((stage, printable(detail), "") for detail in event.details)
        yield from _ending(self._story, alternative.ending)
        yield from (("note", printable(note), "") for note in alternative.notes)

    def _label(self, event: Event) -> str:
        if event.rule is None:
            return printable(event.label)
        origin = event.rule.origin
        where = f"line {origin.line}" if self._is_dump else f"{origin.source.name}:{origin.line}"
        room, comment = _LONGEST_LABEL, ""
        if event.comment:
            comment = f"  # {_cut(event.comment, _LONGEST_COMMENT)}"
            room -= len(comment)
        return printable(f"{where}  {_cut(event.label, room)}{comment}")


def _cut(text: str, size: int) -> str:
    return text if len(text) <= size else f"{text[: size - 1]}…"


def _shorter(events: Sequence[Event]) -> Iterator[Event]:
    """Yield events, a chain that gives no verdict in one."""
    following = iter([*events[1:], None])
    for event in (each := iter(events)):
        after = next(following)
        if (
            event.kind == "entered"
            and after is not None
            and after.kind == "unmatched"
            and after.depth > event.depth
        ):
            words = f"through {after.chain}: {after.words}"
            yield replace(event, words=words, details=after.details)
            next(each)
            next(following)
        else:
            yield event


def _stage(event: Event) -> str:
    return f"{'  ' * event.depth}{event.chain}" if event.depth else event.stage


def _shared(ways: Sequence[Sequence[Row]]) -> int:
    """Return how many rows all ways begin with."""
    count = 0
    for rows in zip(*ways, strict=False):
        if len(set(rows)) > 1:
            break
        count += 1
    return count


# Where it ends.


def _ending(story: Story, ending: Ending) -> Iterator[Row]:
    packet = story.packet
    there = flow(packet, ending.source, ending.destination)
    back = flow(packet, ending.destination, ending.source)
    seen = flow(packet, story.destination, story.source)
    match ending.verdict:
        case "dropped":
            yield "ends", "dropped", ""
            return
        case "unknown":
            yield "ends", "not known to natc", ""
            return
        case "proxied":
            yield "ends here", f"{flow(packet, story.source, story.destination)} at the proxy", ""
            yield "sender sees", seen, ""
            return
        case "forwarded":
            by = _interfaces(ending)
            yield "leaves", f"{there} out {by}" if by else there, ""
            reply, label = f"{back} in {by}" if by else back, "reply comes"
        case _:
            yield "ends here", there, ""
            reply, label = back, "reply leaves"
    if not ending.is_answered:
        return
    if ending.shared:
        label, reply, seen = "reply", f"{back} past the gateway", back
    if back == seen or not ending.is_tracked:
        yield "reply", reply, ""
    else:
        yield label, reply, ""
        yield "sender sees", seen, ""


def _interfaces(ending: Ending) -> str:
    """Return the one interface by which it leaves, or one pattern."""
    names = [] if ending.out is None else interface_patterns(ending.out) or []
    return names[0] if len(names) == 1 and names != ["+"] else ""


def _result(story: Story, ending: Ending) -> str:
    """Return where a packet ends in the words of a policy's `expect`."""
    if ending.verdict in ("dropped", "proxied"):
        return ending.verdict
    if ending.verdict == "unknown":
        return "not known to natc"
    family = story.packet.family
    words: list[str] = [ending.verdict]
    for word, before, after in (
        ("to", story.destination, ending.destination),
        ("from", story.source, ending.source),
    ):
        if after != before:
            words.append(f"{word} {side(family, after)}")
    return " ".join(words) if len(words) > 1 else f"{ending.verdict} as it is"


# What an alternative depends on.


def _chance(alternative: Alternative) -> str:
    chance = alternative.chance
    if chance is None:
        return "" if any(alternative.cases) else ", as the kernel may choose"
    return "" if chance == 1 else f", in {percent(chance)} of connections"


def _conditions(alternative: Alternative) -> Iterator[str]:
    """Yield what must hold, a line each; one of the cases that begin with `if`."""
    cases = [case for case in alternative.cases if case]
    for index, case in enumerate(cases[:_MOST_CASES]):
        for place, part in enumerate(case):
            word = "and" if place else "or if" if index else "if"
            yield f"{word:>5} {part}"
    if len(cases) > _MOST_CASES:
        yield f"   or in {len(cases) - _MOST_CASES} more cases"
