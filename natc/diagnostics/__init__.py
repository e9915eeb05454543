"""What natc has to say about a text: values here, renderers beside them."""

from natc.diagnostics.model import (
    Diagnostic,
    Edit,
    Fix,
    Label,
    PolicyError,
    Severity,
    Undecided,
)

__all__ = ["Diagnostic", "Edit", "Fix", "Label", "PolicyError", "Severity", "Undecided"]
