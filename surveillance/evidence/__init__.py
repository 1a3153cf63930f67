"""Evidence beside counts: grave cases, insects, climate, communes that fell silent (docs/methods/evidence.md)."""

from __future__ import annotations

from typing import Final

SEVERITY: Final = "severity"
VECTOR: Final = "vector"
CLIMATE: Final = "climate"
SILENCE: Final = "silence"
METHODS: Final = (SEVERITY, VECTOR, CLIMATE, SILENCE)
"""Methods whose signals `watching.py` makes and keeps."""
