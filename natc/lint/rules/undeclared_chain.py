"""A rule in, or a jump to, a chain that is not declared.

## Why it matters

iptables-restore fails there, and loads nothing of the table.

## Example

```iptables
*nat
:PREROUTING ACCEPT [0:0]
:MAIL - [0:0]
# error: [undeclared-chain]
-A PREROUTING -p tcp -m tcp --dport 80 -j WEB
-A PREROUTING -p tcp -m tcp --dport 25 -j MAIL
COMMIT
```

## Precision

Exact for texts that declare built-in chains. Others may be meant for `--noflush`, and rely on
chains that exist: jumps to those are taken to be right.
"""
