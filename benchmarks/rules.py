"""The same N rules as a natc policy and as a ferm file: half port-forwards, the rest mixed."""

from collections.abc import Iterator

HEAD = """\
zone wan { interface eth0; address 203.0.113.1 }
zone lan { interface eth1; address 10.0.0.1; subnet 10.0.0.0/8 }
"""


TAIL = "snat from lan out wan -> 203.0.113.1\n"
"""What gives the exceptions above it a meaning."""


def policy(count: int) -> str:
    """Return a policy of `count` rules."""
    return HEAD + "".join(f"{line}\n" for line in _policy_lines(count))


def sound_policy(count: int) -> str:
    """Return a policy of `count` rules in which a linter finds little."""
    return policy(count - 1).replace("203.0.113.1 }", "{ 203.0.113.1, 198.18.0.0/25 } }", 1) + TAIL


def _policy_lines(count: int) -> Iterator[str]:
    for i in range(count):
        host = f"10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}"
        public = f"198.18.0.{i & 127}"
        port = 1024 + i % 60000
        match i % 8:
            case 0 | 1 | 2 | 3:
                yield f"port-forward tcp/{port} to {public} in wan -> {host}:{port % 9000 + 1}"
            case 4 | 5:
                yield f"snat from {host} out wan -> {public}"
            case 6:
                yield f"masquerade tcp from {host} to {public} out wan"
            case _:
                yield f"exempt from {host} to {public} out wan"


def ferm(count: int) -> str:
    """Return the same rules for ferm."""
    lines = ["table nat {", *_ferm_lines(count), "}"]
    return "".join(f"{line}\n" for line in lines)


def _ferm_lines(count: int) -> Iterator[str]:
    for i in range(count):
        host = f"10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}"
        public = f"198.18.0.{i & 127}"
        port = 1024 + i % 60000
        post, way = "chain POSTROUTING", "outerface eth0"
        match i % 8:
            case 0 | 1 | 2 | 3:
                yield (
                    f"chain PREROUTING proto tcp dport {port} daddr {public} interface eth0 "
                    f"DNAT to {host}:{port % 9000 + 1};"
                )
            case 4 | 5:
                yield f"{post} saddr {host} {way} SNAT to {public};"
            case 6:
                yield f"{post} proto tcp saddr {host} daddr {public} {way} MASQUERADE;"
            case _:
                yield f"{post} saddr {host} daddr {public} {way} ACCEPT;"
