"""Includes that lead nowhere, round in a circle, or out of the policy's folder."""

from pathlib import Path

import pytest

from tests.cli.program import natc

RULE = "masquerade out eth0\n"


def errors(folder: Path, *words: str) -> list[str]:
    done = natc("compile", "--format", "concise", *(words or ("p.nat",)), cwd=folder)
    said = done.stderr.decode()
    assert "bug in natc" not in said
    assert done.stdout == b""
    assert done.returncode == 1
    return said.splitlines()


def write(folder: Path, **texts: str) -> None:
    for name, text in texts.items():
        (folder / f"{name}.nat").write_text(text, encoding="utf-8")


def test_a_missing_include_is_located(tmp_path: Path) -> None:
    write(tmp_path, p=f'{RULE}include "no.nat"\n')
    assert errors(tmp_path) == ["p.nat:2:9: error[NAT004]: cannot read `no.nat`"]


def test_an_include_of_a_directory_is_located(tmp_path: Path) -> None:
    write(tmp_path, p=f'{RULE}include "."\n')
    assert errors(tmp_path) == ["p.nat:2:9: error[NAT004]: cannot read `.`"]


def test_a_file_that_includes_itself_is_a_cycle(tmp_path: Path) -> None:
    write(tmp_path, p=f'{RULE}include "p.nat"\n')
    assert errors(tmp_path) == ["p.nat:2:9: error[NAT004]: an include that includes itself"]


def test_a_file_that_includes_itself_by_another_way_is_a_cycle(tmp_path: Path) -> None:
    write(tmp_path, p=f'{RULE}include "x/../p.nat"\n')
    (tmp_path / "x").mkdir()
    assert errors(tmp_path) == ["p.nat:2:9: error[NAT004]: an include that includes itself"]


@pytest.mark.parametrize("main", ["./p.nat", "x/../p.nat"])
def test_a_cycle_is_one_error_however_the_policy_is_called(main: str, tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    write(tmp_path, p=f'{RULE}include "p.nat"\n')
    said = errors(tmp_path, main)
    assert len(said) == 1
    assert said[0].endswith(":2:9: error[NAT004]: an include that includes itself")


def test_a_cycle_of_three_names_its_way(tmp_path: Path) -> None:
    write(tmp_path, p='include "a.nat"\n', a='include "b.nat"\n', b=f'{RULE}include "a.nat"\n')
    assert errors(tmp_path) == ["b.nat:2:9: error[NAT004]: an include that includes itself"]
    done = natc("compile", "p.nat", cwd=tmp_path)
    assert "a.nat → b.nat → a.nat" in done.stderr.decode()


def test_a_cycle_through_links_ends(tmp_path: Path) -> None:
    write(tmp_path, p='include "a.nat"\n', a='include "b.nat"\n')
    (tmp_path / "b.nat").symlink_to("a.nat")
    assert len(errors(tmp_path)) == 1


def test_a_file_included_twice_is_an_error(tmp_path: Path) -> None:
    write(tmp_path, p='include "a.nat"\ninclude "a.nat"\n', a=RULE)
    assert errors(tmp_path) == ["p.nat:2:9: error[NAT004]: a file included twice"]


def test_includes_may_not_be_too_deep(tmp_path: Path) -> None:
    write(tmp_path, p='include "a0.nat"\n')
    write(tmp_path, **{f"a{i}": f'include "a{i + 1}.nat"\n' for i in range(100)}, a100=RULE)
    (said,) = errors(tmp_path)
    assert said.endswith("error[NAT004]: includes nested more than 16 deep")


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("../q.nat", "an include outside the policy's folder"),
        ("x/../../q.nat", "an include outside the policy's folder"),
        ("/etc/passwd", "an absolute path in an include"),
        ("//etc/passwd", "an absolute path in an include"),
        ("", "this is not the name of a file"),
        ("a\\nb", "this is not the name of a file"),
    ],
)
def test_an_include_stays_in_the_folder_of_the_policy(path: str, said: str, tmp_path: Path) -> None:
    folder = tmp_path / "policy"
    folder.mkdir()
    (tmp_path / "q.nat").write_text(RULE, encoding="utf-8")
    write(folder, p=f'{RULE}include "{path}"\n')
    assert errors(folder) == [f"p.nat:2:9: error[NAT004]: {said}"]


@pytest.mark.parametrize("linked", ["file", "folder"])
def test_a_link_out_of_the_folder_is_refused(linked: str, tmp_path: Path) -> None:
    folder = tmp_path / "policy"
    folder.mkdir()
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "q.nat").write_text("root:x:0:0\n", encoding="utf-8")
    if linked == "file":
        (folder / "q.nat").symlink_to(tmp_path / "secret" / "q.nat")
        path = "q.nat"
    else:
        (folder / "sub").symlink_to(tmp_path / "secret")
        path = "sub/q.nat"
    write(folder, p=f'{RULE}include "{path}"\n')
    assert errors(folder) == [f"p.nat:2:9: error[NAT004]: cannot read `{path}`"]
    done = natc("compile", "p.nat", cwd=folder)
    assert b"root" not in done.stderr


def test_errors_of_an_included_file_show_who_includes_it(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    write(tmp_path, p=f'{RULE}include "sub/a.nat"\n')
    (tmp_path / "sub" / "a.nat").write_text('include "b.nat"\n', encoding="utf-8")
    (tmp_path / "sub" / "b.nat").write_text(
        "\nmasquerade from 300.1.1.1 out eth0\n", encoding="utf-8"
    )
    done = natc("compile", "p.nat", cwd=tmp_path)
    assert (
        done.stderr.decode()
        == """\
error[NAT206]: `300` in `300.1.1.1` is over 255
  --> sub/b.nat:2:17
   = included from sub/a.nat:1:1
   = included from p.nat:2:1
   |
 2 | masquerade from 300.1.1.1 out eth0
   |                 ^^^^^^^^^
"""
    )


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\xff", "sub.nat:1:1: error[NAT014]: not UTF-8 text: byte 0xff"),
        (b"a\r\n", "sub.nat:1:2: error[NAT014]: a carriage return in the policy"),
        (b"\0" * 40_000_000, "sub.nat:1:1: error[NAT015]: policy of more than 32 MiB"),
        (b"snat (\n", "sub.nat:1:6: error[NAT000]: unexpected `(`"),
    ],
    ids=["not-utf8", "crlf", "large", "syntax"],
)
def test_an_included_file_must_be_plain(data: bytes, said: str, tmp_path: Path) -> None:
    write(tmp_path, p=f'{RULE}include "sub.nat"\n')
    (tmp_path / "sub.nat").write_bytes(data)
    assert errors(tmp_path) == [said]


def test_the_unreadable_text_of_an_include_shows_who_includes_it(tmp_path: Path) -> None:
    write(tmp_path, p=f'{RULE}include "sub.nat"\n')
    (tmp_path / "sub.nat").write_bytes(b"\xff")
    assert "included from p.nat:2:1" in natc("compile", "p.nat", cwd=tmp_path).stderr.decode()


def test_an_include_of_standard_input_is_beside_its_name(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "a.nat").write_text(RULE, encoding="utf-8")
    for name in ("etc/p.nat", f"{tmp_path}/etc/p.nat"):
        done = natc(
            "compile", "-", "--stdin-filename", name, cwd=tmp_path, stdin=b'include "a.nat"\n'
        )
        assert done.stderr == b""
        assert done.returncode == 0


def test_a_policy_elsewhere_includes_what_is_beside_it(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "p.nat").write_text('include "a.nat"\n', encoding="utf-8")
    (tmp_path / "etc" / "a.nat").write_text(RULE, encoding="utf-8")
    for name in ("etc/p.nat", "./etc/p.nat", tmp_path / "etc" / "p.nat", "etc/../etc/p.nat"):
        done = natc("compile", name, cwd=tmp_path)
        assert done.stderr == b""
        assert b'"a.nat:1 masquerade-1"' in done.stdout
