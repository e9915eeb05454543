"""A chain that is declared twice, or two tables of one name.

## Why it matters

iptables-legacy refuses a second declaration, iptables-nft forgets the rules of the first; of two
tables the second alone would count. So the text means different things on different gateways.

## Example

```iptables
*nat
:WEB - [0:0]
-A WEB -p tcp -j ACCEPT
# error: [declared-twice]
:WEB - [0:0]
-A PREROUTING -j WEB
COMMIT
```

## Precision

Exact.
"""
