"""Where the real rule sets are, and what a look at their text tells without natc."""

import csv
import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from natc.address import Family
from natc.record import Record

CORPUS = Path(os.environ.get("NATC_CORPUS") or Path(__file__).parents[3] / "shared" / "corpus")
"""The collection; its licences forbid a copy in this repository."""

NO_RULE_SETS = {
    "wild/ShaunBoughey+firewall-ha__templates__iptables.rules.j2": "a Jinja template",
    "wild/babylon882004+openwrtipt__iptables.txt": "nearly every `-A` was made an `X-A`",
}
"""Files of the collection that iptables-restore takes as little as natc does."""

_FLAG = re.compile(r"--?[a-zA-Z][a-z-]*")
_RULE = re.compile(r"(?:\[\d+:\d+\] *)?-[AI] ")


class Dump(Record):
    """One file of the collection.

    Attributes:
        family: as the collection's index has it; None for damaged files.
    """

    name: str
    family: Family | None

    @property
    def path(self) -> Path:
        """Where it lies."""
        return CORPUS / self.name

    @property
    def text(self) -> str:
        """What it holds, line ends as they are."""
        return self.path.read_bytes().decode()


def dumps(*, noisy: bool) -> Iterator[Dump]:
    """Yield the files that hold rule sets, or those that are damaged or templates."""
    index = CORPUS / "INDEX.tsv"
    if not index.exists():
        return
    with index.open(encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            _, _, path = row["path"].partition("/")
            name = f"{row['class']}/{path.replace('/', '__')}"
            family = Family(int(row["family"][1])) if row["family"] else None
            if noisy == (row["class"] == "noisy" or name in NO_RULE_SETS):
                yield Dump(name, family)


def rule_lines(text: str) -> list[str]:
    """Return the lines that add a rule."""
    return [line for line in text.split("\n") if _RULE.match(line)]


def values(line: str) -> Counter[str]:
    """Return the words of a rule's line that are no flags, read letter by letter."""
    words, word, is_open, is_escaped = [], "", False, False
    for char in f"{line} ":
        if is_escaped:
            word, is_escaped = word + char, False
        elif is_open and char == "\\":
            is_escaped = True
        elif char == '"':
            is_open = not is_open
        elif char in " \t" and not is_open:
            words.append(word)
            word = ""
        else:
            word += char
    bare = [re.sub(r"^--[a-z-]+=", "", word) for word in words]  # `--sport=137` is two words.
    return Counter(word for word in bare if word not in ("", "!") and not _FLAG.fullmatch(word))
