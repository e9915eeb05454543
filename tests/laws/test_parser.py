"""The parser's short cut for known shapes of statements changes nothing but the time."""

import re
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from natc.diagnostics import Diagnostic, PolicyError
from natc.dsl import ast
from natc.dsl.parser import parse, statements_of_whole, usual_shapes
from natc.dsl.skeletons import Skeletons
from natc.source import Source, Span
from tests.strategies import Shape, anything, mutated_texts, policy_texts
from tests.strategies.comments import without_comments

_DIGITS = re.compile(r"[0-9]+")


_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_.+-]*")
_OTHER_WORDS = (
    "web", "x-1", "_z", "eth0.5", "ppp+", "tcp", "random", "source", "local", "ipv4", "in", "0x1",
)  # fmt: skip
SLOW = Skeletons(enabled=False)


def parsed(text: str, shapes: Skeletons | None) -> tuple[object, ...]:
    """Return the tree with all its places, or what is wrong with the text."""
    try:
        policy = parse(Source("law.nat", text), shapes)
    except PolicyError as error:
        return "wrong", *map(_shown, error.diagnostics)
    return "right", with_places(policy)


def with_places(node: object) -> object:
    """Return a tree as nested tuples, with the spans that `==` of nodes leaves out."""
    if isinstance(node, ast.Node):
        span: Span = getattr(node, "span")  # noqa: B009 - each kind of node declares its own
        place = (span.start, span.end)
        rest = (with_places(getattr(node, name)) for name in node.FIELDS if name != "span")
        return type(node).__name__, place, *rest
    if isinstance(node, Sequence) and not isinstance(node, str):
        return tuple(with_places(part) for part in node)
    return node


def _shown(diagnostic: Diagnostic) -> object:
    place = diagnostic.primary.span
    return diagnostic.code, diagnostic.message, place.start, place.end, diagnostic.help


@st.composite
def repetitive(draw: st.DrawFn, texts: st.SearchStrategy[str]) -> str:
    """Return a text whose lines come again and again with other numbers, and some other words."""
    lines = draw(texts).split("\n")
    numbers = st.sampled_from(("0", "1", "7", "10", "80", "255", "300", "65535", "007", "123456"))
    random = draw(st.randoms(use_true_random=False))
    chosen = draw(st.lists(numbers, min_size=2, max_size=4))
    odds = draw(st.sampled_from((0, 0, 10, 40)))

    def number(found: re.Match[str]) -> str:
        return str(random.choice((found.group(), *chosen)))

    def word(found: re.Match[str]) -> str:
        return str(random.choice(_OTHER_WORDS)) if random.randrange(100) < odds else found.group()

    again = [_DIGITS.sub(number, _WORD.sub(word, line)) for line in lines * 3]
    return "\n".join(lines + again)


@given(repetitive(policy_texts(Shape(includes=True))))
def test_the_short_cut_gives_the_same_tree_and_places(text: str) -> None:
    slow = parsed(text, SLOW)
    assert slow == parsed(text, Skeletons())
    assert slow == parsed(text, None), "the shapes that come with natc"


@given(repetitive(mutated_texts() | anything()))
def test_the_short_cut_gives_the_same_errors(text: str) -> None:
    slow = parsed(text, SLOW)
    assert slow == parsed(text, Skeletons())
    assert slow == parsed(text, None), "the shapes that come with natc"


@given(repetitive(policy_texts(Shape(comments=False))))
def test_what_was_learnt_from_one_file_serves_another(text: str) -> None:
    shapes = Skeletons()
    slow = parsed(text, SLOW)
    assert slow == parsed(text, shapes)
    assert slow == parsed(text, shapes)


def test_an_empty_text_is_no_example_of_others() -> None:
    empty, full = 'allow NAT403 on web because ""', 'allow NAT403 on web because "two"'
    text = f"{full}\n{empty}\ntest {full[-5:]} {{ }}\n"
    shapes = Skeletons(usual_shapes([empty, 'test "" { }', 'include ""']).get)
    assert parsed(text, SLOW) == parsed(text, shapes)


@given(policy_texts(Shape(comments=False)))
def test_cutting_into_statements_agrees_with_the_grammar(text: str) -> None:
    policy = parse(Source("law.nat", text))
    whole = statements_of_whole(Source("law.nat", text))
    assert without_comments(tuple(policy.statements)) == without_comments(tuple(whole))
