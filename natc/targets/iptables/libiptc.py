"""What `iptables-restore --noflush` does, done by python-iptables; a program of its own.

    python -m natc.targets.iptables.libiptc check|commit 4|6 <text

`commit` applies a text: every rule of it is built before the first table is committed, and each
table is one commit.  `check` builds the same rules, and sees that each is byte for byte the one
that the kernel of this namespace got from iptables-restore, of the same text.

One process a family: targets of both in one process fail.  The lock of iptables is the caller's,
since libiptc takes none.  The answer is the last line of the output, see `answer`.
"""

import json
import re
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from natc.address import Family
from natc.record import Record
from natc.source import Source, Span
from natc.targets.iptables.libiptc_rule import build, held, meant
from natc.targets.iptables.read_rule import rules
from natc.targets.iptables.words import BadLine, words

UNUSABLE, REFUSED, FAILED = "unusable", "refused", "failed"
"""There is no python-iptables; it cannot say a rule; libiptc or the kernel did not obey."""


class Answer(Record):
    """What came of a run.

    Attributes:
        kind: None when all is done, else one of the three above.
        line: of the text, from 1; None where it is no line's fault.
    """

    kind: str | None = None
    message: str = ""
    line: int | None = None


def answer(output: str) -> Answer | None:
    """Return the answer that a run ended with; None for a run that was cut short."""
    try:
        kind, message, line = json.loads(output.rstrip("\n").rpartition("\n")[2])
    except (ValueError, TypeError):
        return None
    return Answer(kind, message, line)


class _Stop(Exception):  # noqa: N818 - an answer, not an error of natc
    def __init__(self, kind: str, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.answer = Answer(kind, message, line)


class _Line(Record):
    """A line inside a table.

    Attributes:
        number: in the text, from 1.
        verb: `:` for a chain to be made or emptied, else a flag such as `-A`.
        rule: where the rule stands, if there is one.
    """

    number: int
    verb: str
    chain: str
    rule: Span


class _Transaction:
    """One table of one family, read from the kernel once and committed at most once."""

    def __init__(self, family: Family, name: str) -> None:
        """Read the table.

        Raises:
            Exception: of any kind, by python-iptables: there is no such table, or no privilege.
        """
        # Here and nowhere else: a base install of natc goes without it.
        import iptc  # type: ignore[import-not-found,import-untyped,unused-ignore]  # noqa: PLC0415

        is_ipv4 = family is Family.IPV4
        self._family = family
        self._table: Any = (iptc.Table if is_ipv4 else iptc.Table6)(name, autocommit=False)
        # It would look for a target's name in every table, and so make those that nobody uses.
        tables = property(lambda _: [self._table])
        self._kind: Any = type("Rule", (iptc.Rule if is_ipv4 else iptc.Rule6,), {"tables": tables})
        self._built: dict[str, list[tuple[int, Any]]] = {}

    def obey(self, line: _Line) -> None:
        """Do what a line says, as far as this process knows; the kernel hears of it by `commit`.

        Raises:
            _Stop: it cannot be done.
        """
        rule = self._rule(line) if line.verb in _WITH_RULE else None
        try:
            self._change(line, rule)
        except Exception as error:  # noqa: BLE001 - python-iptables raises of any kind
            raise _Stop(FAILED, _said(error), line.number) from None

    def _change(self, line: _Line, rule: Any) -> None:
        table, chain = self._table, line.chain
        match line.verb:
            case ":" if table.is_chain(chain):
                table.flush_entries(chain)
            case ":":
                table.create_chain(chain)
            case "-X":
                table.delete_chain(chain)
            case "-D":
                table.delete_entry(chain, rule.rule, rule.mask)
            case "-I":
                table.insert_entry(chain, rule.rule, 0)
                self._built.setdefault(chain, []).insert(0, (line.number, rule))
            case "-A":
                table.append_entry(chain, rule.rule)
                self._built.setdefault(chain, []).append((line.number, rule))
            case _:
                raise ValueError(f"natc writes no {line.verb}")

    def _rule(self, line: _Line) -> Any:
        place = line.rule
        try:
            given = words(place.source, place.start, place.end)
            (wanted,) = rules(place.source, given, place, self._family, None)
            rule = self._kind()
            build(rule, wanted, self._family)
        except BadLine as error:
            raise _Stop(REFUSED, error.diagnostic.message, line.number) from None
        except Exception as error:  # noqa: BLE001 - python-iptables raises of any kind
            raise _Stop(REFUSED, _said(error), line.number) from None
        return rule

    def commit(self) -> None:
        """Have the kernel hold what this process does.

        Raises:
            _Stop: it does not; the table is as it was.
        """
        try:
            self._table.commit()
        except Exception as error:  # noqa: BLE001 - python-iptables raises of any kind
            raise _Stop(FAILED, f"table {self._table.name}: {_said(error)}") from None

    def check(self) -> None:
        """See that the kernel holds each rule exactly as it was built here.

        Raises:
            _Stop: it does not.
        """
        table = self._table
        table.refresh()
        for chain, built in self._built.items():
            there = list(self._entries(chain))
            if len(there) != len(built):
                raise _Stop(FAILED, f"chain {chain} holds {len(there)} rules, not {len(built)}")
            for (number, rule), entry in zip(built, there, strict=True):
                if meant(rule, table) != held(entry, rule, table):
                    message = "python-iptables makes another rule of it than iptables-restore"
                    raise _Stop(REFUSED, message, number)

    def _entries(self, chain: str) -> Iterator[Any]:
        entry = self._table.first_rule(chain)
        while entry:
            yield entry
            entry = self._table.next_rule(entry)


_WITH_RULE = frozenset({"-A", "-I", "-D"})


def _said(error: Exception) -> str:
    """Return the message of an exception; python-iptables puts bytes into its own."""
    text = re.sub(r"\bb'([^']*)'", r"\1", str(error))
    return " ".join(text.split()) or type(error).__name__


def _tables(source: Source) -> Iterator[tuple[str, list[_Line]]]:
    """Yield the tables of a text for iptables-restore as natc writes it."""
    end, table = -1, ""
    lines: list[_Line] = []
    for number, line in enumerate(source.text.split("\n"), 1):
        start = end + 1
        end = start + len(line)
        if line.startswith("*"):
            table, lines = line[1:], []
        elif line == "COMMIT":
            yield table, lines
        elif line.startswith(":"):
            lines.append(_Line(number, ":", line[1:].split(" ")[0], Span(source, end, end)))
        elif line.startswith("-"):
            verb, chain = line.split(" ")[:2]
            head = f"-I {chain} 1" if verb == "-I" else f"{verb} {chain}"
            lines.append(_Line(number, verb, chain, Span(source, start + len(head), end)))


def _run(verb: str, family: Family, text: str) -> None:
    try:
        import iptc  # noqa: F401, PLC0415 - see _Transaction
    except ModuleNotFoundError as error:
        missing = "is not installed" if error.name == "iptc" else f"lacks {error.name}"
        raise _Stop(UNUSABLE, f"python-iptables {missing}") from None
    except Exception as error:  # noqa: BLE001 - it has many ways to say that a library is missing
        raise _Stop(UNUSABLE, f"python-iptables does not load: {_said(error)}") from None
    transactions = []
    for name, lines in _tables(Source("rules", text)):
        try:
            transaction = _Transaction(family, name)
        except Exception as error:  # noqa: BLE001 - python-iptables raises of any kind
            raise _Stop(FAILED, f"table {name}: {_said(error)}") from None
        for line in lines:
            transaction.obey(line)
        transactions.append(transaction)
    for transaction in transactions:
        if verb == "commit":
            transaction.commit()
        else:
            transaction.check()


def main(arguments: Sequence[str]) -> int:
    """Do it, and print the answer."""
    verb, family = arguments
    text = sys.stdin.buffer.read().decode("utf-8", "surrogateescape")
    found = Answer()
    try:
        _run(verb, Family(int(family)), text)
    except _Stop as stop:
        found = stop.answer
    print(f"\n{json.dumps([found.kind, found.message, found.line])}")
    return 0 if found.kind is None else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
