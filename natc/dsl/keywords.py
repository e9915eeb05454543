"""Every word of the grammar."""

_WORDS = """
include address service zone network node exempt static snat masquerade dnat port-forward
transparent-proxy balance allow test assert expect interface subnet bridge forward ports owner
from to in out on sport mark user set not except persistent random random-fully shift hairpin
tproxy sticky for backup check every rise fall weight as until because all never unchanged
dropped translated source destination proxy ipv4 ipv6 src dst
"""

KEYWORDS = frozenset(_WORDS.split())
