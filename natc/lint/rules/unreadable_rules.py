"""A line that iptables-restore does not take.

## Why it matters

natc reads what `iptables-save` prints, and all other text for `iptables-restore`. A template, a
script or a line with a misspelt option would be read differently by the kernel's own programs, so
nothing is guessed, and nothing is read after such a line.

## Example

```iptables
*nat
# error: [unreadable-rules]
-A POSTROUTING -o ${WAN} -j MASQUERADE
COMMIT
```

Run the script, then give natc what `iptables-save` prints:

```iptables
*nat
-A POSTROUTING -o eth0 -j MASQUERADE
COMMIT
```

## Precision

Exact for the options that natc knows, see [cli.md](cli.md#rules-that-exist). Those of matches that
it does not know are kept as they are.
"""
