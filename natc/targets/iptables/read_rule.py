"""The words of one rule to kernel rules: lists of addresses are several."""

import re
from functools import lru_cache
from itertools import product

from natc.address import Family
from natc.diagnostics import Label
from natc.source import Source, Span
from natc.targets.iptables.flags import FREE_TEXT, TARGETS, Meaning
from natc.targets.iptables.model import Counters, Jump, Match, Option, Rule
from natc.targets.iptables.owners import Unowned, owned
from natc.targets.iptables.words import BadLine, Word, check_name

_ORDER = ("-s", "-d", "-i", "-o", "-p", "-f")
"""Built-in options as iptables-save prints them."""

_ADDRESSES = frozenset({"-s", "-d", "--to-source", "--to-destination", "--to"})
_is_counter = re.compile("[0-9]{1,20}").fullmatch
_IPV4 = re.compile(r"\d+\.\d+\.\d+\.\d+")
_IPV6 = re.compile(r"\[?[0-9A-Fa-f]*:[0-9A-Fa-f]*:")


def family_of(text: str) -> Family | None:
    """Return the family of an address with whatever stands after it, None for a host's name."""
    if _IPV6.match(text):
        return Family.IPV6
    return Family.IPV4 if _IPV4.match(text) else None


class _Part:
    """A match or the target, and its options as they come."""

    def __init__(self, module: str, *, is_target: bool) -> None:
        self.module = module
        self.is_target = is_target
        self.options: list[Option] = []


class _Draft:
    """One rule as its words come.

    Attributes:
        loaded: the modules that `parts` are of, where a chain is none of them.
        protocol: that of `-p`.
    """

    def __init__(self, source: Source, family: Family) -> None:
        self.source = source
        self.family = family
        self.is_of_family = True
        self.is_goto = False
        self.counters: Counters | None = None
        self.built_in: dict[str, Option] = {}
        self.protocol: str | None = None
        self.parts: list[_Part] = []
        self.loaded: tuple[str, ...] = ()
        self._given: dict[str, Word] = {}

    def read(self, words: list[Word]) -> None:
        """Take all words.

        Raises:
            BadLine: NAT008, NAT206, NAT901, NAT908, NAT910.
        """
        index = 0
        while index < len(words):
            is_negated = words[index].is_not
            index += is_negated
            if index == len(words):
                raise BadLine("NAT901", "`!` with nothing after it", words[-1].place(self.source))
            if not words[index].is_flag:
                raise self._unexpected(words[index])
            index = self._option(words, index, is_negated=is_negated)

    def _unexpected(self, word: Word) -> BadLine:
        help_ = None
        if word.text.startswith("#"):
            help_ = "a comment has a line of its own"
        elif word.text[:1] in ("–", "—"):
            help_ = "a dash is no `-`: such text was typeset"
        label = "expected an option, such as `-s` or `-j`"
        place = word.place(self.source)
        return BadLine("NAT901", f"unexpected `{word.text}`", place, label, help=help_)

    def _option(self, words: list[Word], index: int, *, is_negated: bool) -> int:
        """Take one option and return where the next one begins."""
        if "=" in words[index].text:
            words[index : index + 1] = _apart(words[index])
        word = words[index]
        owner, meaning = self._meaning(word)
        index += 1
        if index < len(words) and words[index].is_not and _is_old_negation(words, index, meaning):
            if is_negated:
                raise BadLine("NAT910", "`!` given twice", words[index].place(self.source))
            is_negated = True
            index += 1
        taken = self._values(word, meaning, words, index)
        if owner is None:
            self._built_in(word, meaning.flag, taken, is_negated=is_negated)
        else:
            values = tuple([value.text for value in taken])
            self.parts[owner].options.append(Option(meaning.flag, values, is_negated))
        if meaning.flag in _ADDRESSES:
            self._check_family(taken)
        return index + len(taken)

    def _meaning(self, word: Word) -> tuple[int | None, Meaning]:
        try:
            found = owned(word.text, self.loaded, self.protocol)
        except Unowned as reason:
            message = f"unknown option `{word.text}`"
            raise BadLine("NAT901", message, word.place(self.source), str(reason)) from None
        if found.load is not None:
            self._load(found.load, is_target=False)
        return found.owner, found.meaning

    def _load(self, module: str, *, is_target: bool) -> None:
        self.parts.append(_Part(module, is_target=is_target))
        # A chain may have the name of a match.
        is_module = not is_target or module in TARGETS
        self.loaded += (module if is_module else f"-j {module}",)

    def _values(self, flag: Word, meaning: Meaning, words: list[Word], index: int) -> list[Word]:
        wanted = meaning.values
        taken = words[index:] if wanted is None else words[index : index + wanted]
        if meaning.flag not in FREE_TEXT:
            for number, word in enumerate(taken):
                if word.is_flag or word.is_not:
                    del taken[number:]
                    break
        if wanted is not None and len(taken) < wanted:
            what = "its value" if wanted == 1 else f"its {wanted} values"
            raise BadLine("NAT901", f"`{flag.text}` without {what}", flag.place(self.source))
        return taken

    def _built_in(self, word: Word, flag: str, values: list[Word], *, is_negated: bool) -> None:
        if flag == "-t":
            message = "a rule that names its table"
            help_ = "the table is that of the `*` line above"
            raise BadLine("NAT901", message, word.place(self.source), help=help_)
        if is_negated and flag not in _ORDER:
            raise BadLine("NAT901", f"`!` before `{flag}`", word.place(self.source))
        if flag == "-m":
            check_name(self.source, values[0])
            self._load(values[0].text, is_target=False)
            return
        name = "-j" if flag == "-g" else flag
        if name in self._given:
            what = "a second target" if name == "-j" else f"`{flag}` given twice"
            related = Label(self._given[name].place(self.source), "the first")
            raise BadLine("NAT910", what, word.place(self.source), related=(related,))
        self._given[name] = word
        if name == "-j":
            check_name(self.source, values[0])
            self.is_goto = flag == "-g"
            self._load(values[0].text, is_target=True)
        elif flag == "-c":
            self.counters = self._numbers(values)
        elif flag in ("-4", "-6"):
            self.is_of_family = flag == f"-{self.family.value}"
        else:
            self.built_in[flag] = Option(flag, (values[0].text,) if values else (), is_negated)
            if flag == "-p":
                self.protocol = values[0].text
            if flag in ("-s", "-d") and is_negated and "," in values[0].text:
                message = "a list of addresses after `!`"
                raise BadLine("NAT206", message, values[0].place(self.source))

    def _numbers(self, words: list[Word]) -> Counters:
        for word in words:
            if not _is_counter(word.text):
                message = f"`{word.text}` is no counter"
                raise BadLine("NAT908", message, word.place(self.source), "expected a number")
        return int(words[0].text), int(words[1].text)

    def _check_family(self, values: list[Word]) -> None:
        for word in values:
            for text in word.text.split(","):
                family = family_of(text)
                if family is not None and family is not self.family:
                    message = f"an {family} address among {self.family} rules"
                    raise BadLine("NAT008", message, word.place(self.source))

    def rules(self, origin: Span) -> list[Rule]:
        """Return the kernel's rules, one for each pair of a source and a destination."""
        matches = [
            Match(part.module, tuple(part.options)) for part in self.parts if not part.is_target
        ]
        comment = None
        if matches and (text := _comment(matches[-1])) is not None:
            comment = text
            matches.pop()
        jump = None
        for part in self.parts:
            if part.is_target:
                jump = Jump(part.module, tuple(part.options), self.is_goto)
        return [
            Rule((*built_in, *matches), jump, comment, origin, self.counters)
            for built_in in self._alternatives()
        ]

    def _alternatives(self) -> list[tuple[Match, ...]]:
        """Return the built-in matches, with a single source and destination each."""
        given = [self.built_in[flag] for flag in _ORDER if flag in self.built_in]
        return list(product(*[_single(option) for option in given]))


@lru_cache(maxsize=4096)  # A text repeats its interfaces and protocols.
def _single(option: Option) -> tuple[Match, ...]:
    """Return the matches of a built-in option, one for each address."""
    if option.flag in ("-s", "-d"):
        values = option.values[0].split(",")
        return tuple([Match("", (Option(option.flag, (v,), option.negated),)) for v in values])
    return (Match("", (option,)),)


def _apart(word: Word) -> tuple[Word, Word]:
    """Return the flag and the value of `--dport=80`."""
    flag, _, value = word.text.partition("=")
    end = word.start + len(flag)
    return Word(flag, word.start, end), Word(value, end + 1, word.end, is_quoted=True)


def _is_old_negation(words: list[Word], index: int, meaning: Meaning) -> bool:
    """Return whether the `!` after a flag negates it: `-s ! 10.0.0.1`, as until iptables 1.4."""
    return meaning.values != 0 and index + 1 < len(words) and not words[index + 1].is_flag


def _comment(match: Match) -> str | None:
    """Return the text of a match that is a comment and nothing else."""
    match match:
        case Match(module="comment", options=(Option("--comment", (text,), negated=False),)):
            return text
    return None


def rules(
    source: Source, words: list[Word], origin: Span, family: Family, counters: Counters | None
) -> list[Rule]:
    """Return the kernel's rules for what stands after `-A CHAIN`; none for one of the other family.

    Args:
        words: options of the rule.
        origin: of the whole line.
        counters: those in brackets before the rule; None when there are none.

    Raises:
        BadLine: what is wrong with the rule first.
    """
    draft = _Draft(source, family)
    draft.read(words)
    if counters is not None:
        if draft.counters is not None:
            raise BadLine("NAT910", "counters given twice", origin)
        draft.counters = counters
    return draft.rules(origin) if draft.is_of_family else []
