"""Makes the parser's tables when the wheel is built, so that no run builds them."""

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class TablesHook(BuildHookInterface):
    """Writes natc/dsl/nat.tables from grammar/nat.lark."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the tables and have them packed."""
        sys.path.insert(0, self.root)
        from natc.dsl import tables  # noqa: PLC0415 - importable only from here on

        grammar = Path(self.root, "grammar", "nat.lark").read_text(encoding="utf-8")
        tables.TABLES.write_bytes(tables.dump(grammar))
        build_data["artifacts"].append("natc/dsl/nat.tables")
