"""A policy as the gateway is to have it: its rules, its meaning, and what it was read from."""

import hashlib
import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from natc import pipeline
from natc.address import FAMILIES
from natc.host.errors import HostError
from natc.host.kept import Sources
from natc.ir.policy import Policy
from natc.reading import Includes, read_text
from natc.source import Source
from natc.targets.iptables.model import Ruleset

_NO_SETTINGS: Mapping[str, str] = {}


class Wanted:
    """What a gateway is to have.

    Attributes:
        path: the policy's file, absolute; the name of a text from standard input otherwise.
        digest: SHA-256 of the policy, of all that it includes, and of node and settings.
        rulesets: the rules of both families, as text inside; one without rules is empty.
    """

    def __init__(
        self,
        source: Source,
        path: str,
        node: str | None = None,
        settings: Mapping[str, str] = _NO_SETTINGS,
    ) -> None:
        """Compile a policy.

        Args:
            path: of the policy, where what it includes is looked for.
            node: whose `node` block holds; this host's name unless told.

        Raises:
            PolicyError: every problem of the policy.
        """
        self.path = path if path == "-" else str(Path(path).absolute())
        self.node = os.uname().nodename if node is None else node
        self.settings = settings
        self._source = source
        self._includes = Includes(path)
        self._included: dict[str, str] = {}
        digest = hashlib.sha256()

        def read(name: str) -> str:
            text = self._includes(name)
            self._included[name] = text
            # However the policy was named, from wherever.
            inside = os.path.relpath(os.path.realpath(name), self._includes.root)
            digest.update(f"\0include {inside}\0{text}".encode())
            return text

        digest.update(f"{source.text}\0{self.node}\0{sorted(settings.items())}".encode())
        made = pipeline.compile_rules(source, read, self.node, settings)
        self.digest = digest.hexdigest()
        self.rulesets = {
            family: ruleset if ruleset is not None and _has_rules(ruleset) else Ruleset(family, ())
            for family, ruleset in ((family, made.get(family)) for family in FAMILIES)
        }

    @property
    def name(self) -> str:
        """The name in messages."""
        return self._source.name

    @property
    def sources(self) -> Sources:
        """All texts that it was read from."""
        return Sources(self._source.name, self._source.text, self._included)

    @cached_property
    def meaning(self) -> Policy:
        """What the policy means; worked out when first asked for."""
        return pipeline.understand(self._source, self._includes, self.node, self.settings)


def _has_rules(ruleset: Ruleset) -> bool:
    return any(len(chain.rules) for table in ruleset.tables for chain in table.chains)


def wanted(
    path: str, node: str | None = None, settings: Mapping[str, str] = _NO_SETTINGS
) -> Wanted:
    """Read and compile a policy.

    Raises:
        HostError: it cannot be read.
        PolicyError: every problem of the policy.
    """
    try:
        source = Source(path, read_text(path))
    except OSError as error:
        raise HostError(f"cannot read {path}: {error.strerror or error}") from None
    return Wanted(source, path, node, settings)
