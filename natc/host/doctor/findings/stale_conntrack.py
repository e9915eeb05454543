"""A change of the rules strands connections that exist.

## Why it matters

Only the first packet of a connection is asked which rule holds for it.  What began before a change
goes on as it was: to a server that is gone, from an address that is no longer the gateway's, or
untranslated.  For UDP that can last as long as somebody sends.

## Example

`natc plan policy.nat` shows such connections, each with the command that ends it:

```console
conntrack -D -p udp --orig-src 192.168.3.7 --orig-dst 203.0.113.2 --orig-port-dst 5060
```

A finding `[stale-conntrack]` stands at the rule that held for them, or holds now.  Deleted, the
next packet of each begins a new connection, by the new rules.

## Precision

Found when a connection that the kernel tracks would be translated otherwise if it began after the
change.
"""
