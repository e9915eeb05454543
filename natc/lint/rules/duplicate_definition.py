"""Two definitions, zones, networks or rules of one name.

## Why it matters

Nobody could tell which of the two is meant. A later one never replaces an earlier one in silence;
`node` and `--set` are there for that.

## Example

```nat
address web = 192.168.3.10
service web = tcp/80                             # error: [duplicate-definition]
masquerade out eth0 as share
masquerade out eth9 as share                     # error: [duplicate-definition]
masquerade out eth8 as web
```

Addresses, services, zones and networks share one space of names; rules have another.

## Precision

Exact.
"""
