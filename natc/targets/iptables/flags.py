"""Names of options: the short and the long, what they belong to, how many values they take.

The modules listed here are those that rules with NAT are made of.  One that is not listed is kept
as it is written: its options are those that no other module claims.
"""

from collections.abc import Mapping
from functools import cache

from natc.record import Record

BUILT_IN_FLAGS = {
    "-s": ("--source", "--src"),
    "-d": ("--destination", "--dst"),
    "-i": ("--in-interface",),
    "-o": ("--out-interface",),
    "-p": ("--protocol",),
    "-f": ("--fragments",),
    "-j": ("--jump",),
    "-g": ("--goto",),
    "-m": ("--match",),
    "-c": ("--set-counters",),
    "-4": ("--ipv4",),
    "-6": ("--ipv6",),
    "-t": ("--table",),
}
"""Short flags, in the order in which iptables-save prints them, to their long names."""

BUILT_IN_VALUES = {"-f": 0, "-4": 0, "-6": 0, "-c": 2}
"""How many values they take, where it is not one."""

COMMANDS = {
    "-A": "--append",
    "-I": "--insert",
    "-D": "--delete",
    "-R": "--replace",
    "-N": "--new-chain",
    "-X": "--delete-chain",
    "-P": "--policy",
    "-F": "--flush",
    "-Z": "--zero",
}

PROTOCOL_MODULES = {
    "1": "icmp",
    "6": "tcp",
    "17": "udp",
    "33": "dccp",
    "50": "esp",
    "51": "ah",
    "58": "icmp6",
    "132": "sctp",
    "135": "mh",
    "icmpv6": "icmp6",
    "ipv6-icmp": "icmp6",
    "ipv6-mh": "mh",
    "mobility-header": "mh",
}
"""Protocols to the match module that `-p` stands for, where its name is another.

Source: iptables/xshared.c xtables_chain_protos, 1.8.9.
"""

FREE_TEXT = frozenset(
    {"--comment", "--log-prefix", "--nflog-prefix", "--string", "--hex-string", "--ulog-prefix"}
)
"""Options whose value may look like a flag: iptables-save does not quote `-x`."""

_PORTS = "--sport|--source-port --dport|--destination-port"

_CHOICE = "--random:0 --random-fully:0 --persistent:0"
"""Not every version has each of them for every target."""

_OPTIONS = {
    # What `-p` loads too.
    "tcp": f"{_PORTS} --tcp-flags:2 --syn:0 --tcp-option",
    "udp": _PORTS,
    "udplite": _PORTS,
    "dccp": f"{_PORTS} --dccp-types --dccp-option",
    "sctp": f"{_PORTS} --chunk-types:2",
    "icmp": "--icmp-type",
    "icmp6": "--icmpv6-type",
    "ah": "--ahspi --ahlen --ahres:0",
    "esp": "--espspi",
    "mh": "--mh-type",
    # Matches.
    "addrtype": "--src-type --dst-type --limit-iface-in:0 --limit-iface-out:0",
    "comment": "--comment",
    "connmark": "--mark",
    "conntrack": "--ctstate --ctproto --ctorigsrc --ctorigdst --ctreplsrc --ctrepldst --ctstatus"
    " --ctexpire --ctorigsrcport --ctorigdstport --ctreplsrcport --ctrepldstport --ctdir",
    "connlimit": "--connlimit-upto --connlimit-above --connlimit-mask --connlimit-saddr:0"
    " --connlimit-daddr:0",
    "dscp": "--dscp --dscp-class",
    "helper": "--helper",
    "hl": "--hl-eq --hl-lt --hl-gt",
    "iprange": "--src-range --dst-range",
    "length": "--length",
    "limit": "--limit --limit-burst",
    "mac": "--mac-source",
    "mark": "--mark",
    "multiport": "--sports|--source-ports --dports|--destination-ports --ports",
    "owner": "--uid-owner --gid-owner --socket-exists:0 --suppl-groups:0",
    "physdev": "--physdev-in --physdev-out --physdev-is-in:0 --physdev-is-out:0"
    " --physdev-is-bridged:0",
    "pkttype": "--pkt-type",
    "policy": "--dir --pol --strict:0 --reqid --spi --tunnel-src --tunnel-dst --proto --mode"
    " --next:0",
    "recent": "--set:0 --rcheck:0 --update:0 --remove:0 --seconds --reap:0 --hitcount --rttl:0"
    " --name --mask --rsource:0 --rdest:0",
    "rpfilter": "--loose:0 --validmark:0 --accept-local:0 --invert:0",
    "set": "--match-set|--set:2 --return-nomatch:0 --update-counters:0 --update-subcounters:0"
    " --packets-eq --packets-lt --packets-gt --bytes-eq --bytes-lt --bytes-gt",
    "socket": "--transparent:0 --nowildcard:0 --restore-skmark:0",
    "state": "--state",
    "statistic": "--mode --probability --every --packet",
    "string": "--from --to --algo --string --hex-string --icase:0",
    "tcpmss": "--mss",
    "tos": "--tos",
    "ttl": "--ttl-eq --ttl-lt --ttl-gt",
    # Targets.
    "ACCEPT": "",
    "CHECKSUM": "--checksum-fill:0",
    "CLASSIFY": "--set-class",
    "CONNMARK": "--set-xmark --set-mark --and-mark --or-mark --xor-mark --save-mark:0"
    " --restore-mark:0 --nfmask --ctmask --mask",
    "CT": "--zone --zone-orig --zone-reply --notrack:0 --helper --timeout --ctevents --expevents",
    "DNAT": f"--to-destination {_CHOICE}",
    "DROP": "",
    "HL": "--hl-set --hl-dec --hl-inc",
    "LOG": "--log-level --log-prefix --log-tcp-sequence:0 --log-tcp-options:0 --log-ip-options:0"
    " --log-uid:0 --log-macdecode:0",
    "MARK": "--set-xmark --set-mark --and-mark --or-mark --xor-mark",
    "MASQUERADE": f"--to-ports {_CHOICE}",
    "NETMAP": "--to",
    "NFLOG": "--nflog-group --nflog-prefix --nflog-range --nflog-size --nflog-threshold",
    "NOTRACK": "",
    "REDIRECT": f"--to-ports {_CHOICE}",
    "REJECT": "--reject-with",
    "RETURN": "",
    "SET": "--add-set:2 --del-set:2 --map-set:2 --timeout --exist:0 --map-mark:0 --map-prio:0"
    " --map-queue:0",
    "SNAT": f"--to-source {_CHOICE}",
    "TCPMSS": "--set-mss --clamp-mss-to-pmtu:0",
    "TPROXY": "--on-port --on-ip --tproxy-mark",
    "TTL": "--ttl-set --ttl-dec --ttl-inc",
}
"""Modules to `--option|other-name:values`, one value where no number stands.

Source: iptables-extensions(8), 1.8.9, and the `xt_option_entry` tables in extensions/.
"""

KNOWN_MODULES = frozenset(_OPTIONS)

PROTOCOL_MATCHES = frozenset({"tcp", "udp", "udplite", "dccp", "sctp", "icmp", "ah", "esp"})

_ELSEWHERE = (
    "ACCOUNT AUDIT CLUSTERIP CONNSECMARK DHCPMAC DNETMAP DNPT DSCP ECN ECHO HMARK IDLETIMER IPMARK"
    " LED LOGMARK NFQUEUE QUEUE RATEEST RAWNAT SECMARK SNPT SYNPROXY TARPIT TCPOPTSTRIP TEE TOS"
    " TRACE ULOG"
)

TARGETS = frozenset(name for name in _OPTIONS if name.isupper()) | frozenset(_ELSEWHERE.split())
"""What `-j` may name beside chains, in iptables and xtables-addons."""


class Meaning(Record):
    """What a flag stands for.

    Attributes:
        flag: as iptables-save prints it.
        values: how many words follow; None for all that are no flags.
    """

    flag: str
    values: int | None


@cache
def options_of(module: str) -> Mapping[str, Meaning]:
    """Return the options of a module by all their names; none for a module not listed here."""
    found: dict[str, Meaning] = {}
    for entry in _OPTIONS.get(module, "").split():
        names, _, count = entry.partition(":")
        first, *others = names.split("|")
        meaning = Meaning(first, int(count) if count else 1)
        found |= dict.fromkeys((first, *others), meaning)
    return found


BUILT_IN: Mapping[str, Meaning] = {
    name: Meaning(flag, BUILT_IN_VALUES.get(flag, 1))
    for flag, long in BUILT_IN_FLAGS.items()
    for name in (flag, *long)
}
"""The options that no module has to be loaded for, by all their names."""


def owners(flag: str) -> list[str]:
    """Return the listed modules that have an option of this name."""
    return [module for module in _OPTIONS if flag in options_of(module)]
