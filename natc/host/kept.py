"""What is kept beside a generation: the policy's texts, and what `natc watch` made of its rules.

Each as a value and as the text of its file.
"""

import json
from collections.abc import Mapping

from natc.address import Family
from natc.record import Record

SOURCES = "policy.json"
"""The file of a generation that holds the policy's texts."""

DAMAGED = (ValueError, KeyError, TypeError, AttributeError)
"""What reading a damaged text raises."""


class Served(Record):
    """What `natc watch` made of a generation's rules.

    Attributes:
        down: the servers that are down, each the name of its rule and its address.
        saved: natc's part of the rules as the kernel prints them, of the families that changed.
        is_settled: False while a change is under way, to what follows from `down`: each family is
            as `saved` says, or as wanted.
    """

    down: frozenset[tuple[str, str]]
    saved: Mapping[Family, str]
    is_settled: bool = True

    def file(self, generation: int) -> str:
        """Return the text of its file."""
        whole = {
            "generation": generation,
            "down": sorted(self.down),
            "saved": {str(family.value): text for family, text in self.saved.items()},
            "settled": self.is_settled,
        }
        return json.dumps(whole) + "\n"

    @classmethod
    def of(cls, text: str) -> "Served":
        """Return what a file says.

        Raises:
            ValueError, KeyError, TypeError, AttributeError: it is damaged.
        """
        whole = json.loads(text)
        return cls(
            frozenset((str(rule), str(server)) for rule, server in whole["down"]),
            {Family(int(number)): str(saved) for number, saved in whole["saved"].items()},
            bool(whole["settled"]),
        )


class Sources(Record):
    """A policy's texts as they were applied.

    Attributes:
        name: of the policy in messages and in the comments of rules.
        included: name to text of what it includes.
    """

    name: str
    text: str
    included: Mapping[str, str]

    def file(self) -> str:
        """Return the text of its file."""
        whole = {"name": self.name, "text": self.text, "included": dict(self.included)}
        return json.dumps(whole) + "\n"

    @classmethod
    def of(cls, text: str) -> "Sources":
        """Return what a file says.

        Raises:
            ValueError, KeyError, TypeError, AttributeError: it is damaged.
        """
        whole = json.loads(text)
        included = {str(name): str(text) for name, text in whole["included"].items()}
        return cls(str(whole["name"]), str(whole["text"]), included)

    def read(self, name: str) -> str:
        """Return an included text.

        Raises:
            FileNotFoundError: there was none of that name.
        """
        if name not in self.included:
            raise FileNotFoundError(2, "Not kept with the policy")
        return self.included[name]
