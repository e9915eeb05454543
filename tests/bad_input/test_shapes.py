"""Texts of extreme shape: deep, long, many.  Each ends soon, in an error that says where."""

from pathlib import Path

import pytest

from tests.cli.program import natc


def errors(policy: str, folder: Path, seconds: float = 10) -> list[str]:
    """Return what natc says of `policy`, a line an error, without the name of the file."""
    (folder / "p.nat").write_text(policy, encoding="utf-8")
    done = natc("compile", "--format", "concise", "p.nat", cwd=folder, seconds=seconds)
    said = done.stderr.decode()
    assert "bug in natc" not in said
    assert done.stdout == b""
    assert done.returncode == 1
    return [line.removeprefix("p.nat:") for line in said.splitlines()]


def compiles(policy: str, folder: Path, seconds: float = 10) -> str:
    """Return the rules of a valid policy."""
    (folder / "p.nat").write_text(policy, encoding="utf-8")
    done = natc("compile", "p.nat", cwd=folder, seconds=seconds)
    assert done.stderr == b""
    return done.stdout.decode()


@pytest.mark.parametrize("space", [" ", "\n"])
def test_a_thousand_braces_are_too_deep(space: str, tmp_path: Path) -> None:
    deep = f"{{{space}" * 1000 + "10.0.0.1" + f"{space}}}" * 1000
    said = errors(f"masquerade from {deep} out eth0\n", tmp_path)
    assert len(said) == 1
    assert said[0].endswith("error[NAT015]: braces nested more than 32 deep")


def test_a_thousand_open_braces_are_one_error_or_two(tmp_path: Path) -> None:
    said = errors("masquerade from " + "{" * 1000, tmp_path)
    assert said == [
        "1:49: error[NAT015]: braces nested more than 32 deep",
        "1:1016: error[NAT000]: this `{` is never closed",
    ]


def test_a_thousand_closing_braces_are_one_error(tmp_path: Path) -> None:
    assert errors("}" * 1000, tmp_path) == ["1:1: error[NAT000]: unexpected `}`"]


def test_an_unclosed_block_is_reported_where_it_opens(tmp_path: Path) -> None:
    said = errors("zone wan {\n    interface eth0\n\nmasquerade out wan\n", tmp_path)
    assert said[0] == "1:10: error[NAT000]: this `{` is never closed"


def test_an_unclosed_text_is_reported_where_it_opens(tmp_path: Path) -> None:
    said = errors('masquerade out eth0\ninclude "a.nat\nmasquerade out eth1\n', tmp_path)
    assert said == ["2:9: error[NAT000]: this text is never closed"]


def test_a_long_chain_of_exceptions_is_one_error(tmp_path: Path) -> None:
    text = f"masquerade from 10.0.0.0/8{' except 10.0.0.1' * 5000} out eth0\n"
    said = errors(text, tmp_path)
    assert said == ["1:1: error[NAT015]: more than 64 exceptions in one statement"]


def test_a_long_chain_of_definitions_is_no_crash(tmp_path: Path) -> None:
    chain = "".join(f"address a{i} = a{i + 1}\n" for i in range(3000))
    text = f"{chain}address a3000 = 10.0.0.1\nmasquerade from a0 out eth0\n"
    try:
        assert "-s 10.0.0.1 -o eth0" in compiles(text, tmp_path)
    except AssertionError:
        assert "NAT0" in errors(text, tmp_path)[0]


def test_a_circle_of_a_thousand_definitions_is_one_error(tmp_path: Path) -> None:
    chain = "".join(f"address a{i} = a{(i + 1) % 900}\n" for i in range(900))
    said = errors(f"{chain}masquerade from a0 out eth0\n", tmp_path)
    assert all("NAT021" in line for line in said)


@pytest.mark.parametrize(
    ("line", "column", "code"),
    [
        ("masquerade form lan out eth0", 12, "NAT000"),
        ("snat -> -> 10.0.0.1", 9, "NAT000"),
        ("dnat tcp/0 in eth0 -> 10.0.0.1", 10, "NAT206"),
        ("masquerade from nobody out eth0", 17, "NAT001"),
        ("}", 1, "NAT000"),
    ],
)
def test_ten_thousand_errors_are_all_reported(
    line: str, column: int, code: str, tmp_path: Path
) -> None:
    said = errors(f"{line}\n" * 10_000, tmp_path, seconds=30)
    assert len(said) == 10_000
    for number, error in enumerate(said, 1):
        assert error.startswith(f"{number}:{column}: error[{code}]: ")


def test_many_unknown_names_beside_many_known_ones_take_bounded_time(tmp_path: Path) -> None:
    known = "".join(f"address server{i} = 10.0.{i >> 8}.{i & 255}\n" for i in range(2000))
    unknown = "".join(f"masquerade from servar{i} out eth0\n" for i in range(2000))
    assert len(errors(known + unknown, tmp_path, seconds=15)) == 2000


def test_a_very_long_line_keeps_its_columns(tmp_path: Path) -> None:
    many = ", ".join(f"10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}" for i in range(100_000))
    text = f"masquerade from {{ {many}, 300.1.1.1 }} out eth0\n"
    column = text.index("300.1.1.1") + 1
    assert errors(text, tmp_path, seconds=20) == [
        f"1:{column}: error[NAT206]: `300` in `300.1.1.1` is over 255"
    ]


def test_a_very_long_line_is_shown_in_part(tmp_path: Path) -> None:
    (tmp_path / "p.nat").write_text(
        f"masquerade out eth0 # {'x' * 5_000_000}\nsnat\n", encoding="utf-8"
    )
    done = natc("compile", "p.nat", cwd=tmp_path)
    assert len(done.stderr) < 2000
    (tmp_path / "p.nat").write_text(f"masquerade out eth0 {'x' * 500_000} y\n", encoding="utf-8")
    done = natc("compile", "p.nat", cwd=tmp_path)
    assert len(done.stderr) < 2000


DIGITS = "1" * 10_000


@pytest.mark.parametrize(
    ("line", "column"),
    [
        (f"dnat tcp/{DIGITS} in eth0 -> 10.0.0.1", 10),
        (f"dnat tcp/{{80,{DIGITS}}} in eth0 -> 10.0.0.1", 14),
        (f"dnat tcp/80-{DIGITS} in eth0 -> 10.0.0.1", 13),
        (f"dnat tcp/80 in eth0 -> 10.0.0.1:{DIGITS}", 33),
        (f"dnat tcp sport {DIGITS} in eth0 -> 10.0.0.1", 16),
        (f"dnat {DIGITS} in eth0 -> 10.0.0.1", 6),
        (f"masquerade from 10.0.0.{DIGITS} out eth0", 17),
        (f"masquerade from 10.0.0.0/{DIGITS} out eth0", 26),
        (f"masquerade from fd00::{DIGITS} out eth0", 17),
        (f"masquerade from fd00::/{DIGITS} out eth0", 24),
        (f"masquerade mark {DIGITS} out eth0", 17),
        (f"masquerade mark 0x{DIGITS} out eth0", 17),
        (f"masquerade mark 0x1/0x{DIGITS} out eth0", 17),
        (f"masquerade user {DIGITS} out eth0", 17),
        (f"masquerade tcp out eth0 ports {DIGITS}", 31),
        (f"masquerade out {'e' * 10_000}", 16),
        (f"masquerade out eth0 as {'e' * 10_000}", 24),
        (f"masquerade set {'e' * 10_000} out eth0", 16),
        (f"balance tcp/80 in eth0 -> {{ 10.0.0.1 weight {DIGITS} }}", 45),
        (f"balance tcp/80 in eth0 -> {{ 10.0.0.1 }} sticky for {DIGITS}s", 51),
        (f"balance tcp/80 in eth0 -> {{ 10.0.0.1 }} check tcp every {DIGITS}s", 56),
        (f"balance tcp/80 in eth0 -> {{ 10.0.0.1 }} check tcp rise {DIGITS}", 55),
    ],
    ids=lambda value: value[:12] if isinstance(value, str) else None,
)
def test_a_number_of_ten_thousand_digits_is_out_of_range(
    line: str, column: int, tmp_path: Path
) -> None:
    said = errors(f"masquerade out eth9\n{line}\n", tmp_path)
    assert len(said) == 1
    assert said[0].startswith(f"2:{column}: error[NAT20")


def test_a_message_does_not_repeat_ten_thousand_digits(tmp_path: Path) -> None:
    (tmp_path / "p.nat").write_text(f"dnat tcp/{DIGITS} in eth0 -> 10.0.0.1\n", encoding="utf-8")
    for format_ in ("text", "concise", "github", "json", "sarif"):
        done = natc("compile", "p.nat", "--format", format_, cwd=tmp_path)
        assert len(done.stderr) < 3000


def test_a_large_valid_policy_is_no_error(tmp_path: Path) -> None:
    text = "".join(f"masquerade from 10.{i >> 8}.{i & 255}.1 out eth0\n" for i in range(20_000))
    assert compiles(text, tmp_path, seconds=30).count("\n-A NATC-POST") == 20_000
