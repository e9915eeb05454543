"""One line inside a table: a chain's declaration, or a command as iptables takes it."""

import re

from natc.address import Family
from natc.source import Source, Span
from natc.targets.iptables.flags import COMMANDS
from natc.targets.iptables.model import BUILT_IN, Counters, Rule
from natc.targets.iptables.read_rule import rules
from natc.targets.iptables.read_table import TableDraft
from natc.targets.iptables.words import BadLine, Word, check_name, plain_words, words

_COUNTERS = re.compile(r"\[([0-9]{1,20}):([0-9]{1,20})\]")
_is_number = re.compile(r"[0-9]{1,9}").fullmatch
_OF_RULES = frozenset({"-A", "-I", "-D", "-R"})
_COMMANDS = {name: short for short, long in COMMANDS.items() for name in (short, long)}


def declare(table: TableDraft, line: Span) -> None:
    """Add the chain of a `:CHAIN POLICY [PACKETS:BYTES]` line.

    Raises:
        BadLine: NAT206, NAT901, NAT906, NAT908.
    """
    source = table.source
    found = plain_words(source, line.start + 1, line.end)
    if not found:
        raise BadLine("NAT901", "`:` without a chain", line)
    name, *rest = found
    check_name(source, name)
    policy = rest.pop(0) if rest and not rest[0].text.startswith("[") else None
    counters = _counters(source, rest.pop(0)) if rest else None
    if policy is None and (counters is None or name.text in BUILT_IN[table.name]):
        message = f"chain `{name.text}` without its policy"
        help_ = "`-` where a chain is not built in"
        raise BadLine("NAT206", message, name.place(source), help=help_)
    if rest:
        raise BadLine("NAT901", f"unexpected `{rest[0].text}`", rest[0].place(source))
    is_set = policy is not None and policy.text != "-"
    table.declare(name, policy if is_set else None, counters)


def _counters(source: Source, word: Word) -> Counters:
    found = _COUNTERS.fullmatch(word.text)
    if found is None:
        raise _bad_counters(word.place(source))
    return int(found[1]), int(found[2])


def _bad_counters(place: Span) -> BadLine:
    message = f"`{place.text}` are no counters"
    return BadLine("NAT908", message, place, "expected `[PACKETS:BYTES]`, such as `[0:0]`")


def obey(table: TableDraft, line: Span, family: Family) -> None:
    """Do to a table what a line such as `-A CHAIN …` says.

    Raises:
        BadLine: the first thing that is wrong with it.
    """
    source, start = line.source, line.start
    counters = None
    if source.text[start] == "[":
        found = _COUNTERS.match(source.text, start, line.end)
        if found is None:
            first = re.compile(r"\[[^\]\n]*\]|[^ \t\n]+").match(source.text, start, line.end)
            raise _bad_counters(Span(source, start, first.end() if first else line.end))
        counters = int(found[1]), int(found[2])
        start = found.end()
    given = words(source, start, line.end)
    index = _command(source, given, line)
    command = Command(table, line, given[index], given[index + 1 :], given[:index])
    if _COMMANDS[command.flag.text] in _OF_RULES:
        _change_rules(command, family, counters)
    else:
        _change_chains(command)


class Command:
    """A command with its arguments.

    Attributes:
        arguments: what stands after its flag, and is not taken yet.
        before: options of the rule that stand before the flag.
    """

    def __init__(
        self, table: TableDraft, line: Span, flag: Word, arguments: list[Word], before: list[Word]
    ) -> None:
        self.table = table
        self.line = line
        self.flag = flag
        self.arguments = arguments
        self.before = before

    @property
    def place(self) -> Span:
        """Where the flag stands."""
        return self.flag.place(self.line.source)

    def has_name(self) -> bool:
        """Return whether a chain is next."""
        return bool(self.arguments) and not self.arguments[0].is_flag

    def name(self) -> Word:
        """Take the next argument.

        Raises:
            BadLine: NAT901 if there is none.
        """
        if not self.has_name():
            raise BadLine("NAT901", f"`{self.flag.text}` without its value", self.place)
        return self.arguments.pop(0)

    def number(self) -> int | None:
        """Take the number of a rule, from 1, if it is next.

        Raises:
            BadLine: NAT206 for 0.
        """
        if not self.arguments or not _is_number(self.arguments[0].text):
            return None
        word = self.arguments.pop(0)
        if int(word.text) == 0:
            message = "rules are numbered from 1"
            raise BadLine("NAT206", message, word.place(self.line.source))
        return int(word.text)


def _command(source: Source, given: list[Word], line: Span) -> int:
    for index, word in enumerate(given):
        if word.text in _COMMANDS and not word.is_quoted:
            return index
    place = given[0].place(source) if given else line
    raise BadLine("NAT901", "a line that is no rule", place, "expected `-A CHAIN` or the like")


def _change_rules(command: Command, family: Family, counters: Counters | None) -> None:
    table, line = command.table, command.line
    name = command.name()
    short = _COMMANDS[command.flag.text]
    number = command.number() if short != "-A" else None
    given = command.before + command.arguments
    made: list[Rule] = []
    if short != "-D" or number is None or given:
        made = rules(line.source, given, line, family, counters)
    chain = table.chain(name)
    if short == "-A":
        chain.rules += made
    elif short == "-I":
        table.insert(chain, made, number or 1, command.place)
    elif short == "-R":
        if number is None:
            raise BadLine("NAT901", "`-R` without the number of a rule", command.place)
        table.put(chain, made, number, command.place)
    elif number is None:
        table.delete(chain, made, line)
    else:
        table.delete_number(chain, number, command.place)


def _change_chains(command: Command) -> None:
    table, short = command.table, _COMMANDS[command.flag.text]
    source = command.line.source
    if short == "-N":
        name = command.name()
        check_name(source, name)
        if name.text in BUILT_IN[table.name]:
            message = f"chain `{name.text}` is built in"
            raise BadLine("NAT906", message, name.place(source), "it is always there")
        table.declare(name)
    elif short == "-P":
        table.set_policy(command.name(), command.name())
    elif short == "-X":
        for name in [command.name()] if command.has_name() else table.own(command.flag):
            table.remove(name)
    else:
        one = table.chain(command.name()) if command.has_name() else None
        for chain in table.chains.values() if one is None else [one]:
            chain.flush() if short == "-F" else chain.zero()
    for word in (*command.before, *command.arguments):
        raise BadLine("NAT901", f"unexpected `{word.text}`", word.place(source))
