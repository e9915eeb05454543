"""A test whose packet could not exist, or that does not say what is expected.

## Why it matters

It would prove nothing, and count as proof.

## Example

```nat
snat out eth0 -> 203.0.113.2
test "no way in" {
    tcp 192.168.3.9:40000 > 198.51.100.80:443        # error: [bad-test]
    expect from 203.0.113.2
}
test "all is said" {
    tcp 192.168.3.9:40000 > 198.51.100.80:443 in eth1 out eth0
    expect from 203.0.113.2
}
```

## Precision

Exact: the first packet of a connection has one protocol, an address on each side, ports where the
protocol has them, and one way in.
"""
