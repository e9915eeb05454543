"""A table without its `COMMIT`, or a text that ends in mid-line.

## Why it matters

Without `COMMIT` iptables-restore loads nothing of the table. It is what is left of a file when the
disk was full, or a copy was interrupted.

## Example

```iptables
*filter
:INPUT ACCEPT [0:0]
# error: [truncated-rules]
*nat
-A POSTROUTING -o eth0 -j MASQUERADE
COMMIT
```

## Precision

Exact.
"""
