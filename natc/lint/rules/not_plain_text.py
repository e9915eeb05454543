"""A control character, or bytes that are not UTF-8.

## Why it matters

Such characters are not seen, and mean different things to different programs: iptables-restore cuts
a line at NUL, editors of other systems end lines with a carriage return, and characters that turn
the direction of writing show a text other than the one that is compiled.

## Example

Before `203` stands a byte order mark, which nobody sees:

```nat
snat out eth0 -> \ufeff203.0.113.2                     # error: [not-plain-text]
```

Write plain text, whose lines end with a line feed:

```nat
snat out eth0 -> 203.0.113.2
```

`dos2unix` converts files with carriage returns.

## Precision

Exact: control characters but tab and line feed, line separators, marks of direction, and the byte
order mark.
"""
