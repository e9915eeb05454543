"""The catalogue of codes: family digit first, never reused.

0 syntax, names, values; 1 relations between rules; 2 what the kernel accepts; 3 translation
values; 4 path and topology; 5 the host; 6 exposure; 7 style; 8 scale; 9 import and lab.
"""

import re
from collections.abc import Sequence

SLUGS = {
    "NAT000": "syntax-error",
    "NAT001": "undefined-name",
    "NAT002": "unused-definition",
    "NAT003": "duplicate-definition",
    "NAT004": "include-error",
    "NAT005": "empty-set",
    "NAT006": "impossible-match",
    "NAT007": "hostname-in-policy",
    "NAT008": "family-mismatch",
    "NAT009": "host-bits-set",
    "NAT010": "stale-suppression",
    "NAT011": "misplaced-clause",
    "NAT012": "repeated-clause",
    "NAT013": "missing-clause",
    "NAT014": "not-plain-text",
    "NAT015": "too-large",
    "NAT016": "no-rules",
    "NAT017": "wrong-kind",
    "NAT018": "reserved-name",
    "NAT019": "bad-suppression",
    "NAT020": "bad-test",
    "NAT021": "circular-definition",
    "NAT101": "shadowed",
    "NAT102": "redundant-covered",
    "NAT103": "redundant-removable",
    "NAT104": "partially-shadowed",
    "NAT105": "generalizes",
    "NAT106": "duplicate-rule",
    "NAT107": "static-conflict",
    "NAT108": "forward-collision",
    "NAT109": "pool-static-overlap",
    "NAT110": "useless-exempt",
    "NAT111": "late-exempt",
    "NAT112": "irrelevant-path",
    "NAT113": "assertion-failed",
    "NAT114": "test-failed",
    "NAT201": "wrong-hook",
    "NAT202": "interface-direction",
    "NAT203": "port-without-protocol",
    "NAT204": "name-too-long",
    "NAT205": "multiport-split",
    "NAT206": "bad-value",
    "NAT207": "tproxy-placement",
    "NAT208": "needs-version",
    "NAT209": "owner-outside-output",
    "NAT210": "untranslatable",
    "NAT301": "range-not-shifted",
    "NAT302": "range-size-mismatch",
    "NAT303": "biased-balance",
    "NAT304": "balance-leak",
    "NAT305": "pool-not-persistent",
    "NAT306": "pool-exhaustion",
    "NAT307": "redirect-loop",
    "NAT308": "no-op-translation",
    "NAT309": "masquerade-on-static",
    "NAT310": "snat-on-dynamic",
    "NAT311": "masq-port-overlap",
    "NAT312": "captures-gateway-service",
    "NAT401": "hairpin-missing",
    "NAT402": "private-leak",
    "NAT403": "destination-not-owned",
    "NAT404": "source-not-owned",
    "NAT405": "unscoped-dnat",
    "NAT406": "unscoped-masquerade",
    "NAT407": "backend-unreachable",
    "NAT408": "asymmetric-return",
    "NAT409": "gateway-not-covered",
    "NAT410": "hides-client",
    "NAT411": "forward-dropped",
    "NAT412": "tunnel-translated",
    "NAT413": "bridged-match",
    "NAT414": "bypass",
    "NAT415": "contradicting-facts",
    "NAT501": "forwarding-off",
    "NAT502": "mixed-backends",
    "NAT503": "wrong-apply-backend",
    "NAT504": "foreign-flush",
    "NAT505": "foreign-overlap",
    "NAT506": "route-localnet",
    "NAT507": "rp-filter",
    "NAT508": "stale-conntrack",
    "NAT509": "helper-missing",
    "NAT510": "conntrack-capacity",
    "NAT511": "drift",
    "NAT512": "missing-interface",
    "NAT513": "tproxy-routing",
    "NAT514": "foreign-persistence",
    "NAT601": "exposed-service",
    "NAT602": "open-proxy",
    "NAT603": "localnet-exposure",
    "NAT604": "v6-asymmetry",
    "NAT701": "missing-reason",
    "NAT702": "mergeable",
    "NAT703": "magic-literal",
    "NAT704": "all-ports",
    "NAT801": "use-a-map",
    "NAT901": "unreadable-rules",
    "NAT902": "truncated-rules",
    "NAT903": "unknown-table",
    "NAT904": "undeclared-chain",
    "NAT905": "outside-table",
    "NAT906": "declared-twice",
    "NAT907": "circular-chains",
    "NAT908": "bad-counters",
    "NAT909": "open-quote",
    "NAT910": "repeated-option",
    "NAT911": "impossible-change",
}
"""Code to slug: every code of the catalogue, those of the linter included."""

MOST_NAMED = 3
"""Names to offer for a word that is none."""

_CODE = re.compile(r"NAT[0-9]{0,3}\Z", re.IGNORECASE)


def nearest(word: str, others: Sequence[str] = ()) -> str | None:
    """Return help that names what a word that is no code or slug could mean, None for nothing.

    Nothing is close to a well-formed code: one with other digits means something else.

    Args:
        others: words that would do as well.
    """
    if _CODE.match(word):
        capital = word.upper()
        return f"did you mean `{capital}`?" if capital in SLUGS else "`natc rules` lists them"
    from difflib import get_close_matches  # noqa: PLC0415 - start-up

    small = word.lower()
    known = [*SLUGS, *SLUGS.values(), *others]
    found = (
        [slug for slug in SLUGS.values() if small in slug.split("-")]
        or get_close_matches(word.upper() if small[:3] == "nat" else word, known, n=1)
        or [slug for slug in SLUGS.values() if len(small) > 1 and slug.startswith(small)]
    )
    names = [f"`{name}`" for name in found[:MOST_NAMED]]
    if not names:
        return None
    named = f"{', '.join(names[:-1])} or {names[-1]}" if names[1:] else names[0]
    return f"did you mean {named}?"
