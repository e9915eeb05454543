"""Every code that natc can explain, with its level and one line.

Kinds: `X` exact on the meaning of the rules; `K` exact against what kernel and iptables accept;
`T` exact relative to the declared zones and networks; `H` about a running gateway, exact relative
to what it says of itself; `A` advice.
"""

from typing import Literal

from natc.diagnostics import Severity
from natc.diagnostics.codes import SLUGS
from natc.record import Record

Kind = Literal["X", "K", "T", "H", "A"]
By = Literal["compiler", "lint", "doctor", "plan"]


class Entry(Record):
    """One code.

    Attributes:
        summary: what it finds: lower case, no full stop.
        by: who finds it: the compiler, before anything is linted; a lint rule; or, on a running
            gateway, `natc doctor` or `natc plan`.
        on: whether it is looked for unless told otherwise.
        fixable: whether a finding can carry a repair.
    """

    code: str
    severity: Severity
    kind: Kind
    summary: str
    by: By = "lint"
    on: bool = True
    fixable: bool = False

    @property
    def slug(self) -> str:
        """The readable twin of the code."""
        return SLUGS[self.code]

    @property
    def module(self) -> str:
        """The module of its page."""
        package = "natc.host.doctor.findings" if self.by in ON_A_GATEWAY else "natc.lint.rules"
        return f"{package}.{self.slug.replace('-', '_')}"


_E, _W, _N = Severity.ERROR, Severity.WARNING, Severity.NOTE
_C: By = "compiler"
_D: By = "doctor"

ON_A_GATEWAY: tuple[By, ...] = ("doctor", "plan")
"""Who finds what is wrong with a running gateway."""

ENTRIES = (
    # What the compiler finds.
    Entry("NAT000", _E, "X", "a statement that is no sentence of the language", _C),
    Entry("NAT001", _E, "X", "a name that nothing defines", _C),
    Entry("NAT002", _W, "X", "nothing uses a definition, or jumps to a chain", fixable=True),
    Entry("NAT003", _E, "X", "two of one name", _C),
    Entry("NAT004", _E, "X", "an `include` that cannot be followed", _C),
    Entry("NAT005", _E, "X", "a set that holds nothing", _C),
    Entry("NAT006", _E, "X", "a rule whose conditions exclude each other"),
    Entry("NAT007", _W, "A", "a host's name where an address belongs", on=False),
    Entry("NAT008", _E, "X", "IPv4 where IPv6 stands, or the reverse", _C),
    Entry("NAT009", _E, "X", "an address with bits beyond its prefix length", _C, fixable=True),
    Entry("NAT010", _W, "X", "an `allow` silences nothing, or is past its last day", fixable=True),
    Entry("NAT011", _E, "X", "a word in a statement that has no use for it", _C),
    Entry("NAT012", _E, "X", "a word that stands twice in a statement", _C),
    Entry("NAT013", _E, "X", "a statement without something that it needs", _C),
    Entry("NAT014", _E, "X", "a control character, or bytes that are not UTF-8", _C),
    Entry("NAT015", _E, "X", "more than natc reads", _C),
    Entry("NAT016", _E, "X", "a policy that says nothing about any packet", _C),
    Entry("NAT017", _E, "X", "a value of a kind that its place does not take", _C),
    Entry("NAT018", _E, "X", "a name that is a word of the language, or no name", _C),
    Entry("NAT019", _E, "X", "an `allow` without a reason, or for no finding that there is", _C),
    Entry("NAT020", _E, "X", "a test whose packet could not exist, or without `expect`", _C),
    Entry("NAT021", _E, "X", "a definition by way of itself", _C),
    # Relations between rules.
    Entry("NAT101", _E, "X", "no packet reaches a rule: rules above take all of its packets"),
    Entry("NAT102", _W, "X", "rules above do the same to all packets of a rule", fixable=True),
    Entry("NAT103", _N, "X", "rules below do the same to all packets of a rule", on=False),
    Entry("NAT104", _W, "X", "rules above take a part of a rule's packets and do something else"),
    Entry("NAT105", _N, "X", "rules above are special cases of a rule", on=False),
    Entry("NAT106", _W, "X", "the same rule twice", fixable=True),
    Entry("NAT107", _E, "X", "two one-to-one translations share an address"),
    Entry("NAT108", _E, "X", "two forwards claim one address, protocol and port"),
    Entry("NAT109", _E, "X", "a source pool lends the address of a one-to-one translation"),
    Entry("NAT110", _W, "X", "an exemption from translations that there are none of"),
    Entry("NAT111", _E, "X", "an exemption below the rules that it should precede", fixable=True),
    Entry("NAT112", _W, "T", "a rule asks for packets that do not come that way"),
    Entry("NAT113", _E, "X", "a packet breaks what an `assert` says of all packets"),
    Entry("NAT114", _E, "X", "the packet of a `test` ends otherwise than expected"),
    # What kernel and iptables accept.
    Entry("NAT201", _E, "K", "a target in a chain or table where the kernel does not take it"),
    Entry("NAT202", _E, "K", "an interface is asked for where no packet has it"),
    Entry("NAT203", _E, "K", "a port without a protocol that has ports"),
    Entry("NAT204", _E, "K", "a name or a text that is longer than iptables takes"),
    Entry("NAT205", _N, "K", "a list of ports takes several kernel rules", on=False),
    Entry("NAT206", _E, "K", "an address or a port that cannot be meant"),
    Entry("NAT207", _E, "K", "TPROXY where the kernel does not take it, or without a mark"),
    Entry("NAT208", _W, "K", "an option that older kernels do not have", on=False),
    Entry("NAT209", _E, "K", "a sender's user is asked for where packets have none"),
    Entry("NAT210", _E, "K", "iptables cannot say what the policy says"),
    # Values of a translation.
    Entry("NAT301", _E, "K", "a range of ports falls on the first port of another"),
    Entry("NAT302", _E, "X", "a range is mapped to a smaller one"),
    Entry("NAT303", _E, "X", "draws do not give the equal shares that they seem to"),
    Entry("NAT304", _E, "X", "draws leave a part of the connections untranslated"),
    Entry("NAT305", _W, "K", "a pool gives one client several source addresses"),
    Entry("NAT306", _N, "A", "a pool has fewer source ports than clients", on=False),
    Entry("NAT307", _E, "T", "the proxy's own connections are sent to the proxy"),
    Entry("NAT308", _W, "X", "a translation changes nothing"),
    Entry("NAT309", _N, "T", "masquerading where the address is fixed"),
    Entry("NAT310", _W, "T", "a fixed source address on an interface whose address changes"),
    Entry("NAT311", _W, "T", "a range of source ports holds the port of a forward"),
    Entry("NAT312", _E, "T", "destination rules take the gateway's own ssh everywhere"),
    # Path and topology.
    Entry("NAT401", _W, "T", "clients beside the server do not reach it by its public address"),
    Entry("NAT402", _W, "T", "private addresses can leave by an outside zone as they are"),
    Entry("NAT403", _W, "T", "the address of a destination rule belongs to no zone"),
    Entry("NAT404", _W, "T", "a source rule gives an address that is not the gateway's there"),
    Entry("NAT405", _E, "T", "a destination rule takes packets to any address"),
    Entry("NAT406", _E, "T", "a source rule translates what stays inside"),
    Entry("NAT407", _W, "T", "a destination rule sends packets to an address that lives nowhere"),
    Entry("NAT408", _W, "A", "answers may leave by another outside zone", on=False),
    Entry("NAT409", _N, "T", "the gateway itself does not reach a forwarded service", on=False),
    Entry("NAT410", _W, "T", "a source rule hides the clients of a port forward"),
    Entry("NAT411", _E, "X", "what a rule forwards is dropped by the filter table"),
    Entry("NAT412", _W, "T", "packets to a tunnel's network get another source"),
    Entry("NAT413", _W, "T", "a rule translates packets of a bridged or isolated network"),
    Entry("NAT414", _W, "T", "a server's own address can be reached from outside", on=False),
    Entry("NAT415", _E, "T", "zones or networks say different things of one address"),
    # The host.
    Entry("NAT501", _E, "H", "the gateway does not forward what the policy translates", _D),
    Entry("NAT502", _E, "H", "rules in both iptables-legacy and iptables-nft", _D),
    Entry("NAT503", _E, "H", "natc's rules, or what is to put them there, are not the host's", _D),
    Entry("NAT504", _E, "H", "loading a saved file takes away the rules of other programs", _D),
    Entry("NAT505", _W, "H", "a rule and one of another program claim the same packets", _D),
    Entry("NAT506", _E, "H", "packets are sent to the loopback, where the kernel drops them", _D),
    Entry("NAT507", _W, "H", "the reverse path filter drops the packets of a rule", _D),
    Entry("NAT508", _W, "H", "a change strands connections that exist", "plan"),
    Entry("NAT509", _W, "H", "a protocol is forwarded without the helper that it needs", _D),
    Entry("NAT510", _N, "H", "the table of connections is full, or smaller than a pool", _D),
    Entry("NAT511", _W, "H", "the rules are no longer what was applied", _D),
    Entry("NAT512", _N, "H", "an interface that the policy names is not there", _D),
    Entry("NAT513", _E, "H", "packets are handed to a proxy that no route leads to", _D),
    Entry("NAT514", _W, "H", "a saved file holds the rules of other programs", _D),
    # Exposure.
    Entry("NAT601", _W, "A", "a delicate service is forwarded to everybody", on=False),
    Entry("NAT602", _E, "T", "a transparent proxy can be reached from outside"),
    Entry("NAT604", _N, "A", "a service is published in one family only", on=False),
    # Style.
    Entry("NAT701", _N, "A", "a rule without a comment", on=False),
    Entry("NAT702", _N, "X", "two rules that could be one", on=False, fixable=True),
    Entry("NAT703", _N, "A", "an address that rules repeat, without a name", on=False),
    Entry("NAT704", _W, "A", "a forward of all ports", on=False),
    # Rules that exist, as text.
    Entry("NAT901", _E, "K", "a line that iptables-restore does not take", _C),
    Entry("NAT902", _E, "K", "a table without its `COMMIT`, or a text cut off", _C),
    Entry("NAT903", _E, "K", "a table that the kernel does not have", _C),
    Entry("NAT904", _E, "K", "a chain that is used and not declared", _C),
    Entry("NAT905", _E, "K", "a rule or `COMMIT` outside of any table", _C),
    Entry("NAT906", _E, "K", "a chain or a table that is declared twice", _C),
    Entry("NAT907", _E, "K", "chains that jump in a circle", _C),
    Entry("NAT908", _E, "K", "counters that are not `[PACKETS:BYTES]`", _C),
    Entry("NAT909", _E, "K", "a quote that is not closed on its line", _C),
    Entry("NAT910", _E, "K", "an option or a target that stands twice in a rule", _C),
    Entry("NAT911", _E, "K", "a change of rules that are not there", _C),
)
"""In the order of their codes."""

BY_CODE = {entry.code: entry for entry in ENTRIES}


def entry(name: str) -> Entry | None:
    """Return the entry of a code or slug, None if there is none."""
    return next((e for e in ENTRIES if name in (e.code, e.slug)), None)
