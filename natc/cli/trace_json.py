"""Packets' stories for programs; versioned: fields are added, never changed."""

import json
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from natc.address import Family, text_of
from natc.ir.fields import interface_patterns
from natc.ir.intervals import IntervalSet
from natc.simulate.effects import flow
from natc.simulate.events import Event
from natc.simulate.site import EVERY_INTERFACE
from natc.simulate.spelling import Side
from natc.simulate.story import Alternative, Ending, Story


def json_text(stories: Iterable[Story]) -> str:
    """Return stories as JSON."""
    whole = {"version": 1, "traces": [_story(story) for story in stories]}
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def _story(story: Story) -> dict[str, Any]:
    return {
        "packet": str(story.packet),
        "family": int(story.packet.family),
        "complete": story.is_whole,
        "unknown": sorted(story.unknown),
        "outcomes": [_outcome(story, each) for each in story.alternatives],
        "notes": list(story.notes),
    }


def _outcome(story: Story, alternative: Alternative) -> dict[str, Any]:
    ending = alternative.ending
    family = story.packet.family
    chance = alternative.chance
    return {
        "verdict": ending.verdict,
        "chance": None if chance is None else float(chance),
        "if": [list(case) for case in alternative.cases if case],
        "out": _interfaces(ending.out),
        "source": _side(ending.source, family),
        "destination": _side(ending.destination, family),
        "reply": _reply(story, ending),
        "steps": [_step(event) for event in alternative.events],
        "notes": list(alternative.notes),
    }


def _side(side: Side, family: Family) -> dict[str, Any]:
    """Return an end: addresses and ports, single or as ranges, or whose address it is."""
    return {
        "addresses": None if side.of else _blocks(side.addresses, partial(text_of, family)),
        "address_of": side.of.removeprefix("address of ") or None,
        "ports": None if side.ports is None else _blocks(side.ports, str),
    }


def _blocks(values: IntervalSet, text: Callable[[int], str]) -> list[str]:
    return [
        text(low) if low == high else f"{text(low)}-{text(high)}" for low, high in values.ranges
    ]


def _interfaces(values: IntervalSet | None) -> dict[str, Any] | None:
    """Return names and patterns, or those that are left out; no names at all are any."""
    if values is None:
        return None
    named = interface_patterns(values)
    if named is not None:
        return {"any_of": [] if named == ["+"] else named, "none_of": []}
    return {"any_of": [], "none_of": interface_patterns(EVERY_INTERFACE - values) or []}


def _reply(story: Story, ending: Ending) -> dict[str, Any] | None:
    """Return the reply as it comes to the gateway, and as the packet's sender sees it."""
    if not ending.is_answered:
        return None
    seen = flow(story.packet, story.destination, story.source)
    made = flow(story.packet, ending.destination, ending.source)
    if ending.shared:  # It never comes.
        return {"comes": None, "sender_sees": made}
    return {"comes": seen if ending.verdict == "proxied" else made, "sender_sees": seen}


def _step(event: Event) -> dict[str, Any]:
    rule = event.rule
    return {
        "stage": event.stage,
        "chain": event.chain or None,
        "kind": event.kind,
        "text": event.words,
        "details": list(event.details),
        "rule": None
        if rule is None
        else {
            "file": rule.origin.source.name,
            "line": rule.origin.line,
            "name": rule.name,
            "text": event.label,
            "comment": event.comment or None,
        },
        "reason": None if rule is not None else event.label or None,
    }
