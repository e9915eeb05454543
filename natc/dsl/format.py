"""Syntax tree to canonical text: what `natc fmt` writes.

One statement a line, one blank between words, lists and blocks on one line while they fit in 100
columns and hold no comments, otherwise one item a line.  Comments and single empty lines stay.
"""

from collections.abc import Iterable

from natc.dsl import ast

WIDTH = 100
_INDENT = "    "
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t"})


def format(policy: ast.Policy) -> str:  # noqa: A001 - the arrow's name
    """Return the canonical text of `policy`; parsing it gives `policy` back."""
    lines: list[str] = []
    for statement in policy.statements:
        lines += _with_comments(statement, _statement(statement), "")
    lines += _comment_lines(policy.closing, "")
    return "".join(f"{line}\n" for line in lines)


def expression(value: ast.SetExpr) -> str:
    """Return a set expression without comments on one line, as messages show it."""
    return _flat(value)


def _with_comments(
    node: ast.AnyStatement | ast.Entry | ast.PacketLine | ast.Expect | ast.Item,
    text: str,
    indent: str,
) -> list[str]:
    """Return the lines of a node with the comments that belong to it."""
    beside = f"  {node.comments.beside}" if node.comments.beside is not None else ""
    body = [f"{indent}{line}" if line else "" for line in f"{text}{beside}".split("\n")]
    return [*_comment_lines(node.comments.above, indent), *body]


def _comment_lines(comments: Iterable[str | None], indent: str) -> list[str]:
    return ["" if comment is None else f"{indent}{comment}" for comment in comments]


# Statements.


def _statement(node: ast.AnyStatement) -> str:
    match node:
        case ast.Include(path):
            return f"include {_string(path)}"
        case ast.Definition(kind, name, value):
            return _fitted([kind, name.text, "=", value])
        case ast.Block(kind, name, entries, closing):
            return _block(f"{kind} {name.text}", entries, closing)
        case ast.Host(name, definitions, closing):
            return _block(f"node {_string(name)}", definitions, closing)
        case ast.Rule():
            return _rule(node)
        case ast.Static(inside, outside, clauses, name):
            words: list[str | ast.SetExpr] = ["static", inside, "<->", outside]
            return _fitted([*words, *_clauses(clauses), *_name(name)])
        case ast.Allow(code, rule, until, reason):
            on = f" on {rule.text}" if rule else ""
            end = f" until {until.text}" if until else ""
            return f"allow {code.text}{on}{end} because {_string(reason)}"
        case ast.Test(name, lines, closing):
            return _block(f"test {_string(name)}", lines, closing)
        case ast.Assertion(quantifier, clauses, result):
            return _fitted(["assert", quantifier, *_clauses(clauses), ":", *_result(result)])


def _rule(rule: ast.Rule) -> str:
    words: list[str | ast.SetExpr] = [rule.verb, *_clauses(rule.clauses)]
    if rule.target is not None:
        words += ["->", rule.target]
    return _fitted([*words, *_clauses(rule.options), *_name(rule.name)])


def _name(name: ast.Name | None) -> list[str]:
    return ["as", name.text] if name else []


def _clauses(clauses: Iterable[ast.Clause]) -> list[str | ast.SetExpr]:
    words: list[str | ast.SetExpr] = []
    for clause in clauses:
        value = clause.value
        if clause.keyword == "except":
            words += ["except", "user"]
        elif clause.keyword not in ("service", "set", "check"):
            words.append(clause.keyword)
        match value:
            case None:
                pass
            case ast.IpSet(sets, flags):
                words += ["set", sets, *flags]
            case ast.Check():
                words += _check(value)
            case ast.Duration(text):
                words += ["for", text]
            case _:
                words.append(value)
    return words


def _check(check: ast.Check) -> list[str]:
    words = ["check", check.kind.text]
    if check.path is not None:
        words.append(_string(check.path))
    for setting in check.settings:
        if isinstance(setting.value, ast.Duration | ast.Number):
            words += [setting.keyword, setting.value.text]
    return words


def _result(result: ast.Result) -> list[str | ast.SetExpr]:
    if result.kind == "rewritten":
        return _clauses(result.clauses)
    return [result.kind, *([result.side] if result.side else [])]


def _packet(line: ast.PacketLine) -> str:
    words = [line.protocol.text, line.source, ">", line.destination, *_clauses(line.clauses)]
    return _fitted(words)


def _line(node: ast.Entry | ast.Definition | ast.PacketLine | ast.Expect) -> str:
    match node:
        case ast.Entry(keyword, value):
            return _fitted([keyword, value])
        case ast.Definition():
            return _statement(node)
        case ast.PacketLine():
            return _packet(node)
        case ast.Expect(result):
            return _fitted(["expect", *_result(result)])


def _block(
    head: str,
    lines: tuple[ast.Entry | ast.Definition | ast.PacketLine | ast.Expect, ...],
    closing: tuple[str | None, ...],
) -> str:
    """Return a block on one line where it fits and holds no comments, else a line each."""
    texts = [_line(line) for line in lines]
    if not closing and not any(line.comments for line in lines):
        flat = f"{head} {{ {'; '.join(texts)} }}" if texts else f"{head} {{ }}"
        if len(flat) <= WIDTH and "\n" not in flat:
            return flat
    body: list[str] = []
    for line, text in zip(lines, texts, strict=True):
        body += _with_comments(line, text, _INDENT)
    body += _comment_lines(closing, _INDENT)
    return "\n".join([f"{head} {{", *body, "}"])


# Expressions.


def _fitted(words: list[str | ast.SetExpr]) -> str:
    """Join words and expressions; the longest lists are broken until the line fits."""
    values = [word for word in words if not isinstance(word, str)]
    broken = {id(value) for value in values if _has_comments(value)}
    while True:
        texts = [
            word
            if isinstance(word, str)
            else (_broken(word) if id(word) in broken else _flat(word))
            for word in words
        ]
        text = " ".join(texts)
        rest = [value for value in values if id(value) not in broken and _breaks(value)]
        if not rest or max(len(line) for line in text.split("\n")) <= WIDTH:
            return text
        broken.add(id(max(rest, key=lambda value: len(_flat(value)))))


def _flat(value: ast.SetExpr) -> str:
    match value:
        case ast.String():
            return _string(value)
        case ast.Braces(items):
            return f"{{ {', '.join(_item(item) for item in items)} }}"
        case ast.PortList(protocol, ports):
            return f"{protocol}/{{{','.join(_item(item) for item in ports.items)}}}"
        case ast.Except(base, without):
            return f"{_flat(base)} except {_flat(without)}"
        case ast.Not(operand):
            return f"not {_flat(operand)}"
        case _:
            return value.text


def _item(item: ast.Item) -> str:
    weight = f" weight {item.weight.text}" if item.weight else ""
    return f"{_flat(item.value)}{weight}"


def _broken(value: ast.SetExpr) -> str:
    """Return an expression with its outermost lists one item a line."""
    match value:
        case ast.Braces(items, closing):
            return _broken_items("{", items, closing)
        case ast.PortList(protocol, ports):
            return _broken_items(f"{protocol}/{{", ports.items, ports.closing)
        case ast.Except(base, without):
            return f"{_broken(base)} except {_broken(without)}"
        case ast.Not(operand):
            return f"not {_broken(operand)}"
        case _:
            return _flat(value)


def _broken_items(
    opening: str, items: tuple[ast.Item, ...], closing: tuple[str | None, ...]
) -> str:
    lines = [opening]
    for index, item in enumerate(items):
        inner = _broken(item.value) if _has_comments(item.value) else _flat(item.value)
        weight = f" weight {item.weight.text}" if item.weight else ""
        comma = "," if index < len(items) - 1 else ""
        lines += _with_comments(item, f"{inner}{weight}{comma}", _INDENT)
    lines += _comment_lines(closing, _INDENT)
    return "\n".join([*lines, "}"])


def _has_comments(value: ast.SetExpr) -> bool:
    match value:
        case ast.Braces(items, closing):
            return bool(closing) or any(
                item.comments or _has_comments(item.value) for item in items
            )
        case ast.PortList(_, ports):
            return _has_comments(ports)
        case ast.Except(base, without):
            return _has_comments(base) or _has_comments(without)
        case ast.Not(operand):
            return _has_comments(operand)
        case _:
            return False


def _breaks(value: ast.SetExpr) -> bool:
    """Whether the expression holds a list that can be broken."""
    match value:
        case ast.Braces() | ast.PortList():
            return True
        case ast.Except(base, without):
            return _breaks(base) or _breaks(without)
        case ast.Not(operand):
            return _breaks(operand)
        case _:
            return False


def _string(value: ast.String) -> str:
    return f'"{value.text.translate(_ESCAPES)}"'
