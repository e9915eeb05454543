"""Counters that are not `[PACKETS:BYTES]`.

## Why it matters

iptables-restore fails at the line.

## Example

```iptables
*nat
# error: [bad-counters]
[12;34] -A POSTROUTING -o eth0 -j MASQUERADE
[12:34] -A POSTROUTING -o eth1 -j MASQUERADE
COMMIT
```

## Precision

Exact.
"""
