"""The catalogue of codes: family digit first, never reused.

0 syntax, names, values; 1 relations between rules; 2 what the kernel accepts; 3 translation
values; 4 path and topology; 5 the host; 6 exposure; 7 style; 8 scale; 9 import and lab.
"""

SLUGS = {
    "NAT000": "syntax-error",
    "NAT001": "undefined-name",
    "NAT003": "duplicate-definition",
    "NAT004": "include-error",
    "NAT005": "empty-set",
    "NAT006": "impossible-match",
    "NAT008": "family-mismatch",
    "NAT009": "host-bits-set",
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
    "NAT114": "test-failed",
    "NAT202": "interface-direction",
    "NAT203": "port-without-protocol",
    "NAT204": "name-too-long",
    "NAT206": "bad-value",
    "NAT207": "tproxy-placement",
    "NAT209": "owner-outside-output",
    "NAT210": "untranslatable",
    "NAT301": "range-not-shifted",
    "NAT302": "range-size-mismatch",
    "NAT407": "backend-unreachable",
}
"""Code to slug."""
