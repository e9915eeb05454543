"""The comment of a kernel rule: which policy line it comes from."""

import posixpath

from natc.ir.policy import Rule

LONGEST = 255
"""Bytes; longer ones are cut or refused.  Source: include/uapi/linux/netfilter/xt_comment.h."""


class Commenter:
    """Makes comments such as `office.nat:31 company`."""

    def __init__(self, policy_name: str) -> None:
        self.folder = posixpath.dirname(policy_name)
        self._files: dict[str, str] = {}

    def comment(self, rule: Rule) -> str:
        """Return file, line and name of a rule."""
        source = rule.origin.source
        file = self._files.get(source.name)
        if file is None:
            file = self._files[source.name] = self._file(source.name)
        line = source.line_number(rule.origin.start)
        comment = f"{file}:{line} {rule.name}"
        if len(comment) <= LONGEST // 4:  # A character has at most four bytes.
            return comment
        return comment.encode()[:LONGEST].decode(errors="ignore")

    def _file(self, name: str) -> str:
        """Return a file's path from the policy's folder, printable and not too long."""
        path = posixpath.relpath(name, self.folder) if self.folder else name
        safe = "".join(char if char.isprintable() else "?" for char in path)
        while len(safe.encode()) > LONGEST // 3:
            safe = "…" + safe[2:]
        return safe
