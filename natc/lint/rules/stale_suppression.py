"""An `allow` that silences nothing, or is past its last day.

## Why it matters

An `allow` says that somebody looked at a finding and found it right. When the finding is gone, the
sentence is wrong, and would hide the next one in the same place. A last day is there to make
somebody look again: after it, the finding is back.

## Example

```nat
address spare = 192.168.3.99
snat out eth0 -> 203.0.113.2 as share
allow unused-definition because "the next server gets it"
allow unscoped-dnat on share because "copied"               # warning: [stale-suppression]
```

Delete what silences nothing; `natc lint --fix` does.  In rules that natc did not write, the comment
of a rule may allow a finding of that rule, as in `natc: allow NAT405 because one side`; the same
holds for it, but for `--fix`.

## Precision

Exact. An `allow` counts as used when a finding of its code has its place, or one of the places that
it names besides, in the rule that `on` says; without `on`, when there is any. Those of rules that
were not run are not judged, nor any when something could not be decided.
"""
