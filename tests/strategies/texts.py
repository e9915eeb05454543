"""Policies as text: oddly laid out, damaged, and no policies at all."""

import re
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from natc.dsl.format import format as write
from tests.strategies.policies import policies
from tests.strategies.shape import Shape

_DEFAULT = Shape(includes=True)

_TOKEN = re.compile(r'[a-z0-9]+/\{|"(?:[^"\\\n]|\\.)*"|#[^\n]*|[A-Za-z0-9_.:/+-]+|\s+|.', re.DOTALL)

_WORDS = """
{ } ; # " -> <-> except not as in on to from , 0 65536 99999999999999999999999 300.1.1.1
10.0.0.0/33 10.0.0.5/24 1.2.3.4.5 [::1]:80 [ ] ::1 :80 tcp/0 tcp/ tcp/{ dnat service zone test
0x1/0x1 0xfffffffff 2027-13-41 5h é ٣ \\ ->: 9-1 10.0.0.9-10.0.0.1 - = > * web local dynamic
"""
_STRANGE = (*_WORDS.split(), "\n", "\t", "\x00", "\r\n", "\ufeff", "a" * 200, "{" * 50)
"""What a damaged or malicious policy may hold."""


@st.composite
def policy_texts(draw: Callable[..., Any], shape: Shape = _DEFAULT) -> str:
    """Return valid policies as text that is laid out otherwise than `natc fmt` would."""
    text = write(draw(policies(shape)))
    style = draw(st.integers(0, 3))
    return text if style == 0 else _relaid(text, draw(st.randoms(use_true_random=False)))


def _relaid(text: str, random: Any) -> str:
    """Change blanks and empty lines where they mean nothing."""
    out: list[str] = []
    for token in _TOKEN.findall(text):
        if token.isspace() and "\n" not in token:
            out.append(random.choice((" ", "  ", "\t", token)))
        elif token.isspace():
            out.append(token + random.choice(("", "", "\n", "   ", "\n\n\t")))
        elif token in "{}," and random.random() < 0.3:
            out.append(f" {token} ")
        else:
            out.append(token)
    return "".join(out)


@st.composite
def mutated_texts(draw: Callable[..., Any], shape: Shape = _DEFAULT) -> str:
    """Return policy texts with up to four tokens or characters changed."""
    tokens = _TOKEN.findall(draw(policy_texts(shape)))
    random = draw(st.randoms(use_true_random=False))
    for _ in range(random.randint(1, 4)):
        if not tokens:
            break
        index = random.randrange(len(tokens))
        match random.randrange(6):
            case 0:
                del tokens[index]
            case 1:
                tokens.insert(index, random.choice(_STRANGE))
            case 2:
                tokens[index] = random.choice(_STRANGE)
            case 3:
                other = random.randrange(len(tokens))
                tokens[index], tokens[other] = tokens[other], tokens[index]
            case 4:
                tokens.insert(index, tokens[random.randrange(len(tokens))])
            case _:
                token = tokens[index]
                at = random.randrange(len(token) + 1)
                tokens[index] = token[:at] + random.choice(_STRANGE) + token[at + 1 :]
    return "".join(tokens)


def anything() -> st.SearchStrategy[str]:
    """Return texts of the language's tokens in any order, and texts of any characters."""
    words = st.sampled_from(_STRANGE) | st.sampled_from((" ", " ", " ", "\n"))
    return st.text(max_size=60) | st.lists(words, max_size=40).map("".join)
