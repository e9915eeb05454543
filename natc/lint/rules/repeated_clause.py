"""A word that stands twice in one statement.

## Why it matters

`from a from b` could mean either of them, or what they have in common.

## Example

```nat
snat from 10.0.0.0/8 from 172.16.0.0/12 out eth0 -> 203.0.113.2    # error: [repeated-clause]
snat from { 10.0.0.0/8, 172.16.0.0/12 } out eth0 -> 203.0.113.2
```

## Precision

Exact.
"""
