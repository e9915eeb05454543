"""Which features random policies have."""

from dataclasses import dataclass, replace

from natc.address import Family

VERBS = (
    "port-forward",
    "port-forward",
    "dnat",
    "snat",
    "masquerade",
    "exempt",
    "static",
    "redirect",
    "tproxy",
    "balance",
)


@dataclass(frozen=True)
class Shape:
    """Features of random policies; the default is everything.

    Attributes:
        most_rules: rules at most; there is at least one.
        families: that rules may be about.
        verbs: of the rules, `redirect` and `tproxy` for the two kinds of `transparent-proxy`; one
            that stands twice comes twice as often.
        hairpin: one in how many rules that can have `hairpin` has it not.
        echo: one in how many rules has another beside it for the same packets.
        opaque: families of rules that ask kernel sets (`set NAME`), which have one family each.
        users, logins, marks: matches on uids, on login names, and on the mark.
        random: options that leave a choice to chance.
        promises: `allow`, `test`, `assert`.
        comments: comments in every place that can have one.
        includes: `include` statements; such policies cannot be lowered.
    """

    most_rules: int = 6
    families: tuple[Family, ...] = (Family.IPV4, Family.IPV6)
    verbs: tuple[str, ...] = VERBS
    hairpin: int = 3
    echo: int = 3
    opaque: tuple[Family, ...] = (Family.IPV4, Family.IPV6)
    users: bool = True
    logins: bool = True
    marks: bool = True
    random: bool = True
    promises: bool = True
    comments: bool = True
    includes: bool = False


SMALL = Shape(promises=False, comments=False)
"""What has a meaning and nothing else."""

HAIRPINS = replace(
    SMALL,
    verbs=("port-forward", "port-forward", "dnat", "balance", "exempt", "static"),
    hairpin=9,
    echo=2,
)
DIVERSIONS = replace(
    SMALL, verbs=("tproxy", "tproxy", "dnat", "exempt", "static", "redirect"), echo=2
)
KERNEL = replace(
    SMALL,
    opaque=(Family.IPV4,),
    logins=False,
    verbs=tuple(verb for verb in VERBS if verb != "tproxy"),
)
"""What a lab can show.  A kernel set has one family, and a login name is a uid there."""
