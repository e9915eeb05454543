"""A set that holds nothing.

## Why it matters

A rule that matches nothing, or translates to nothing, is never what was meant. Most often an
exception takes more away than it seems to.

## Example

```nat
address servers = 192.168.3.10-192.168.3.19
address free = servers except 192.168.3.0/27     # error: [empty-set]
address some = servers except 192.168.3.16/30
snat from some out eth0 -> 203.0.113.2
```

## Precision

Exact.
"""
