"""A statement without something that it needs.

## Why it matters

A rule without its target, or a zone without its interface, says nothing that could be compiled.

## Example

```nat
zone lan { address 192.168.3.1 }                     # error: [missing-clause]
snat out eth0                                        # error: [missing-clause]
masquerade out eth0
```

## Precision

Exact.
"""
