"""A word of the language in a statement that has no use for it.

## Why it matters

It would have no effect, and reads as if it had one.

## Example

```nat
snat out eth0 -> 203.0.113.2 shift                   # error: [misplaced-clause]
dnat tcp/8000-8009 in eth0 -> 192.168.3.10:9000-9009 shift
```

## Precision

Exact: [language.md](language.md) says which words each statement takes.
"""
