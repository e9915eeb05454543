"""Which built-in chains lead to a chain, and what is said of rules there."""

from natc.lint.chains import places
from tests.lint.dumps import found, lines_of, subject

NESTED = (
    ":A - [0:0]",
    ":B - [0:0]",
    ":ALONE - [0:0]",
    "-A PREROUTING -i eth0 -j A",
    "-A OUTPUT -g B",
    "-A A -p tcp -j B",
)


def test_packets_come_to_a_chain_from_all_built_in_chains_that_lead_to_it():
    hooks = {place.name: place.hooks for place in places(subject(*NESTED))}
    assert hooks["A"] == ("PREROUTING",)
    assert hooks["B"] == ("PREROUTING", "OUTPUT")
    assert hooks["ALONE"] == ()
    assert hooks["OUTPUT"] == ("OUTPUT",)


def test_a_target_may_stand_in_a_chain_that_nothing_leads_to():
    rules = ("-A ALONE -j MASQUERADE", "-A B -j MASQUERADE")
    assert lines_of(subject(*NESTED, *rules), "NAT201") == [rules[1]]


def test_a_chain_may_have_the_name_of_a_target():
    rules = (":SNAT - [0:0]", "-A PREROUTING -j SNAT", "-A SNAT -j ACCEPT")
    assert lines_of(subject(*rules), "NAT201") == []


def test_no_rule_may_jump_to_a_built_in_chain():
    rules = ("-A A -j POSTROUTING", "-A PREROUTING -g INPUT", "-A PREROUTING -p udp -j A")
    assert lines_of(subject(":A - [0:0]", *rules), "NAT201") == list(rules[:2])


def test_an_interface_that_some_packets_of_a_chain_have_is_not_reported():
    rules = (
        ":BOTH - [0:0]",
        "-A PREROUTING -j BOTH",
        "-A POSTROUTING -j BOTH",
        "-A BOTH -o eth0 -j ACCEPT",
        "-A A -o eth0 -j ACCEPT",
    )
    assert lines_of(subject(*NESTED, *rules), "NAT202") == [rules[-1]]


def test_postrouting_knows_the_way_in_of_what_it_forwards():
    rules = (":X - [0:0]", "-A POSTROUTING -j X", "-A X -i eth1 -j MASQUERADE")
    assert lines_of(subject(*rules), "NAT202") == []


def test_a_rule_that_fits_one_of_the_jumps_to_its_chain_is_not_impossible():
    rules = (
        ":X - [0:0]",
        "-A PREROUTING -i eth0 -p tcp -j X",
        "-A X -p tcp -m tcp --dport 80 -j ACCEPT",
        "-A X -p udp -m udp --dport 80 -j ACCEPT",
        "-A X -i eth1 -p tcp -j ACCEPT",
    )
    assert lines_of(subject(*rules), "NAT006") == list(rules[3:])
    another = "-A OUTPUT -p udp -j X"
    assert lines_of(subject(*rules[:2], another, *rules[2:]), "NAT006") == [rules[4]]


def test_of_a_jump_that_leads_nowhere_the_rules_behind_it_are_not_reported():
    rules = (
        ":X - [0:0]",
        ":Y - [0:0]",
        "-A PREROUTING -p tcp -j X",
        "-A X -p udp -j Y",
        "-A Y -p icmp -j ACCEPT",
    )
    assert lines_of(subject(*rules), "NAT006") == [rules[3]]


def test_states_that_begin_no_connection_are_not_called_impossible():
    rules = ("-A PREROUTING -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",)
    assert lines_of(subject(*rules), "NAT006") == []


def test_a_mark_that_a_rule_sets_on_the_way_is_no_contradiction():
    rules = (
        ":X - [0:0]",
        "-A PREROUTING -m mark --mark 0x1 -j X",
        "-A X -j MARK --set-mark 0x2",
        "-A X -m mark --mark 0x2 -j ACCEPT",
    )
    assert lines_of(subject(*rules), "NAT006") == []


def test_of_the_rules_by_which_packets_leave_a_chain_those_are_named_that_suffice():
    rules = (
        "-A PREROUTING -j X",
        "-A X -s 10.0.0.6/32 -j RETURN",
        "-A X -p tcp -j RETURN",
        "-A X ! -p tcp -j RETURN",
        "-A X -d 203.0.113.2/32 -j DNAT --to-destination 10.0.0.2",
    )
    (dead,) = found(subject(":X - [0:0]", *rules), "NAT101")
    assert [label.span.text for label in dead.related] == [rules[2], rules[3]]


def test_a_rule_that_repeats_what_others_do_to_a_part_each_is_redundant():
    """To keep port 80 and to say 80 is the same to what comes for 80."""
    way = "-A PREROUTING -i eth0 -p tcp -m tcp"
    rules = (
        f"{way} --dport 80 -j DNAT --to-destination 10.0.0.1",
        f"{way} --dport 81 -j DNAT --to-destination 10.0.0.1:80",
        f"{way} --dport 80:81 -j DNAT --to-destination 10.0.0.1:80",
    )
    assert [each.code for each in found(subject(*rules), "NAT101", "NAT102")] == ["NAT102"]


def test_a_dead_rule_of_a_chain_that_sets_marks_is_told_by_the_marks_that_came():
    """Not by the first rule, for packets that came with 0x2: with any mark, the DNAT above."""
    rules = (
        ":X - [0:0]",
        "-A PREROUTING -p tcp -m mark --mark 0x2/0x2 -j ACCEPT",
        "-A PREROUTING -p tcp -m tcp --dport 80 -j X",
        "-A X -s 10.0.0.1/32 -j RETURN",
        "-A X -j MARK --set-xmark 0x3/0x3",
        "-A X -p tcp -m mark --mark 0x1/0x1 -j DNAT --to-destination 10.0.0.9",
        "-A X -p tcp -m mark --mark 0x2/0x2 -j DNAT --to-destination 10.0.0.9",
    )
    (dead,) = found(subject(*rules), "NAT101", "NAT102")
    assert dead.code == "NAT102"
    assert [label.span.text for label in dead.related] == [rules[5]]
