"""A table that the kernel does not have.

## Why it matters

iptables-restore fails, and what stands below it is not loaded.

## Example

```iptables
# error: [unknown-table]
*nta
-A POSTROUTING -o eth0 -j MASQUERADE
COMMIT
*nat
-A POSTROUTING -o eth0 -j MASQUERADE
COMMIT
```

## Precision

Exact: the tables are raw, mangle, nat, filter and security.
"""
