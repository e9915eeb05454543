"""A rule or `COMMIT` outside of any table.

## Why it matters

Nobody can tell which table it belongs to; iptables-restore fails.

## Example

```iptables
# error: [outside-table]
-A POSTROUTING -o eth0 -j MASQUERADE
*nat
-A POSTROUTING -o eth0 -j MASQUERADE
COMMIT
```

## Precision

Exact.
"""
