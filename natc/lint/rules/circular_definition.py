"""A definition by way of itself.

## Why it matters

It has no meaning: what is in the set depends on what is in the set.

## Example

```nat
address a = { b, 192.168.3.1 }
address b = { a, 192.168.3.2 }                       # error: [circular-definition]
address c = { 192.168.3.1, 192.168.3.2 }
snat from c out eth0 -> 203.0.113.2
```

## Precision

Exact.
"""
