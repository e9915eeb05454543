"""What an administrator writes from habit, and what natc says then."""

import pytest

from tests.bad_input.test_values import problems


@pytest.mark.parametrize(
    ("rule", "place", "help_"),
    [
        ("masquerade frm lan out wan", "frm", "did you mean `from`?"),
        ("masquerade tcp persistant out wan", "persistant", "did you mean `persistent`?"),
        ("dnat tcp 80 on wan -> 10.0.0.1", "80", "write `tcp/80`"),
        ("dnat tcp port 80 on wan -> 10.0.0.1", "port", "ports follow the protocol: `tcp/80`"),
        ("dnat 80/tcp on wan -> 10.0.0.1", "/tcp", "write `tcp/80`"),
        ("dnat TCP/80 on wan -> 10.0.0.1", "/80", "did you mean `tcp/80`?"),
        ("dnat tcp/80,443 on wan -> 10.0.0.1", ",", "write `tcp/{80,443}`"),
        ("dnat tcp 80, 443 on wan -> 10.0.0.1", ",", "write `tcp/{80,443}`"),
        ("dnat tcp/８０ on wan -> 10.0.0.1", "８０", "write `80`"),
        ("dnat tcp/80 on wan => 10.0.0.1", "=", "write `->`"),
        ("dnat tcp/80 on wan > 10.0.0.1", ">", "write `->`"),
        (
            "snat from lan out wan 203.0.113.2",
            "203.0.113.2",
            "a target needs `->` before it, other addresses `from` or `to`",
        ),
        (
            "dnat tcp/80 on wan 10.0.0.1:8080",
            "10.0.0.1:8080",
            "a target needs `->` before it, other addresses `from` or `to`",
        ),
        (
            "masquerade from 10.0.0.0 /24 out wan",
            "/24",
            "write `10.0.0.0/24`: no blank before `/24`",
        ),
        ("masquerade from lan, wan out wan", ",", "write a list: `{ lan, wan }`"),
        ("masquerade out !wan", "!wan", "write `not wan`"),
        ("masquerade out ! wan", "!", "write `not wan`"),
        ("masquerade out wan ! to 10.0.0.0/8", "!", "write `to not 10.0.0.0/8`"),
        (
            "masquerade from 10.0.0.0/255.0.0.0 out wan",
            "255.0.0.0",
            "write the prefix length: `/8`",
        ),
        (
            "masquerade from 10.0.0.0/0.0.0.255 out wan",
            "0.0.0.255",
            "write the prefix length: `/24` for 255.255.255.0",
        ),
        ("masquerade out eth0:1", "eth0:1", "labels of addresses are no interfaces: write `eth0`"),
        (
            "masquerade lan out wan",
            "lan",
            "a zone stands after `on`, `in` or `out`, addresses after `from` or `to`",
        ),
        (
            "dnat tcp --dport 80 on wan -> 10.0.0.1",
            "--dport",
            "ports follow the protocol: `tcp/80`",
        ),
        (
            "snat out wan --to-source 203.0.113.2",
            "--to-source",
            "write `-> 203.0.113.2`",
        ),
        ("snat -s 10.0.0.0/8 out wan -> 203.0.113.2", "-s", "write `from 10.0.0.0/8`"),
        ("dnat tcp/80 on wan --> 10.0.0.1", "-->", "write `->`"),
        ("dnat tcp/8000:8010 on wan -> 10.0.0.1", ":8010", "write `tcp/8000-8010`"),
        ("-A POSTROUTING -o eth0", "-A", "`natc import` makes a policy of rules for iptables"),
        ("*nat", "*nat", "`natc import` makes a policy of rules for iptables"),
        ("snat out wan -> 203.0.113.2 persistant", "persistant", "did you mean `persistent`?"),
        ("zone x { interface eth3; adress 10.0.0.1 }", "adress", "did you mean `address`?"),
        (
            "zone x { interface eth3, address 10.0.0.1 }",
            ",",
            "entries of a block stand apart by `;`",
        ),
        ("zone x { interface: eth3 }", ":", "write `interface` without the `:`"),
        (
            "balance tcp/80 on wan -> { 10.0.0.1 weight 50%, 10.0.0.2 weight 50% }",
            "%",
            "weights are whole numbers; each gets its part of their sum",
        ),
        ("balance tcp/80 on wan -> { 10.0.0.1 } sticky 5m", "5m", "write `sticky for 5m`"),
        ("masquerade to any out wan", "any", "leave `to` out: that means all"),
        ("masquerade any out wan", "any", "leave it out: that means all"),
        (
            "dnat tcp/80 to wan -> 10.0.0.1",
            "wan",
            (
                "rules for arriving packets say `on wan` for the gateway's own addresses there; "
                "or add `subnet …` to it"
            ),
        ),
        (
            "dnat tcp/80 on wan -> 10.0.0.1 as web hairpin",
            "hairpin",
            "options stand before `as`: `hairpin as web`",
        ),
        (
            "zone x { interface eth3; address { dynamic, 1.2.3.4 } }",
            "dynamic",
            "`address dynamic` is for addresses that only the kernel knows",
        ),
        (
            "network x { bridge br3; subnet 10.9.0.0/24; forward nat; address dynamic }",
            "dynamic",
            "`address dynamic` is for addresses that only the kernel knows",
        ),
    ],
)
def test_a_habit_is_named_and_put_right(rule: str, place: str, help_: str) -> None:
    (problem,) = problems(rule)
    assert problem.primary.span.text == place
    assert problem.help == help_


def test_the_entries_of_a_network_are_listed() -> None:
    (problem,) = problems("network x { bridge br3; mode nat }")
    assert problem.primary.text == (
        "expected `address`, `subnet`, `bridge`, `forward`, `ports` or `owner`"
    )


def test_an_address_that_ends_like_a_port_is_pointed_out() -> None:
    (problem,) = problems("dnat tcp/80 to 2001:db8::1 -> fd00::1:80")
    assert problem.code == "NAT206"
    assert problem.help == "write `[fd00::1]:80` for the port, `[fd00::1:80]` for the address"
    assert problems("dnat tcp/80 to 2001:db8::1 -> [fd00::1:80]") == ()
    assert problems("dnat tcp/80 to 2001:db8::1 -> fd00::80") == ()


def test_a_zone_is_no_service() -> None:
    (problem,) = problems("masquerade lan out wan")
    assert problem.message == "`lan` is not a service"
    assert problem.related[0].text == "it is this zone"


def test_two_services_are_a_list() -> None:
    (problem,) = problems("dnat tcp/80 udp/80 on wan -> 10.0.0.1")
    assert (problem.code, problem.help) == ("NAT012", "write a list: `{ a, b }`")


@pytest.mark.parametrize("name", ["snat-3", "dnat-1", "static-12", "transparent-proxy-4"])
def test_names_that_natc_gives_are_not_to_be_had(name: str) -> None:
    (problem,) = problems(f"masquerade out eth5 as {name}")
    assert problem.code == "NAT018"


def test_definitions_in_a_short_row_are_fine_and_a_long_row_is_named() -> None:
    def chain(length: int) -> str:
        row = "".join(f"address a{i} = a{i + 1}\n" for i in range(length))
        return f"{row}address a{length} = 10.0.0.1\nmasquerade from a0 out eth0"

    assert problems(chain(99)) == ()
    said = problems(chain(150))
    assert [(p.code, p.message) for p in said] == [
        ("NAT015", "definitions nested more than 100 deep")
    ]


def test_a_long_circle_is_one_error() -> None:
    circle = "".join(f"address a{i} = a{(i + 1) % 900}\n" for i in range(900))
    assert [p.code for p in problems(circle)] == ["NAT021"]


def test_deep_braces_in_deep_definitions_are_no_crash() -> None:
    deep = "".join(f"address a{i} = {'{' * 30}a{i + 1}{'}' * 30}\n" for i in range(90))
    said = problems(f"{deep}address a90 = 10.0.0.1")
    assert {p.code for p in said} <= {"NAT015"}


def test_a_long_value_keeps_its_ends() -> None:
    (problem,) = problems(f"dnat tcp/{'1' * 500}23 on wan -> 10.0.0.1")
    assert problem.message == f"port `{'1' * 30}…{'1' * 8}23` is not in 1 to 65535"
