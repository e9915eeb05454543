"""A compiler, linter and kernel-proven test bench for Linux NAT policies.

The pipeline, left to right; each arrow has an inverse (docs/architecture.md):

    source ─dsl→ syntax tree ─elaborate→ ir ─targets→ ruleset, text ─testlab→ a real kernel
                                         └─simulate→ what becomes of a packet

- `natc.dsl`        text ⇄ syntax tree
- `natc.elaborate`  syntax tree → IR: names become sets, sugar becomes rules
- `natc.ir`         the exact model: sets of packets, actions, ordered rules
- `natc.simulate`   IR × packet → trace
- `natc.targets`    IR → kernel formats
- `natc.testlab`    kernel text × packet → what a real kernel did
- `natc.lint`       IR → findings, each with a packet that shows it
- `natc.pipeline`   the composition
- `natc.host`       the running gateway: plan, apply, roll back, watch
- `natc.cli`        the command line
"""

__version__ = "0.1.0"
