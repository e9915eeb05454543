"""An `allow` without a reason, or for a finding that does not exist.

## Why it matters

What is silenced without a reason is silenced for ever, because nobody dares to touch it; and a code
that does not exist silences nothing while it seems to.

## Example

```nat
dnat tcp/80 to 203.0.113.2 -> 192.168.3.10 as web
allow NAT4O3 on web because "old DNS"                # error: [bad-suppression]
allow NAT403 on web because ""                       # error: [bad-suppression]
allow unscoped-dnat because "this gateway has one side"
```

The same code is for comments of kernel rules that begin with `natc: allow` or `natc allow`, and for
settings of the linter that would ignore errors of the compiler.

## Precision

Exact. Whether an `allow` has anything to silence is another question: `natc explain NAT010`.
"""
