"""What each server's tools looked like when they were first seen.

A server may change a tool's description after it was looked at and trusted; the new words
would then speak to the model. So each tool is remembered by a digest, and one that has
changed is turned off until the operator forgets the old one. It knows no server.
"""

from __future__ import annotations

import hashlib
import json
import logging
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from aether.errors import SettingError

log = logging.getLogger("aether")

FORM = TypeAdapter(dict[str, str])


class Pins:
    """Digests of tools by their offered names, in one JSON file."""

    def __init__(self, path: Path) -> None:
        """Read the file, if there is one; raise SettingError if it cannot be read: a lost pin is no pin."""
        self.path = path
        self._digests: dict[str, str] = {}
        if path.exists():
            try:
                self._digests = FORM.validate_json(path.read_bytes())
            except (OSError, ValidationError):
                raise SettingError(
                    f"The file {path}, which remembers the tools of MCP servers, is damaged. "
                    "Delete it to trust the tools as they are now."
                ) from None

    def holds(self, name: str, digest: str) -> bool:
        """Tell whether the tool is as it was when it was first seen; one never seen is remembered now."""
        known = self._digests.setdefault(name, digest)
        return known == digest

    def save(self) -> None:
        """Write the file anew; a failure is logged, and the pins hold until the app ends."""
        text = json.dumps(self._digests, indent=1, sort_keys=True)
        fresh = self.path.with_suffix(".new")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            fresh.write_text(text, "utf-8")
            fresh.replace(self.path)
        except OSError as error:
            log.warning("The tools of MCP servers could not be remembered in %s: %s", self.path, error)


def digest_of(value: dict[str, Any]) -> str:
    """Return a digest of what a model is told of a tool, and of what the tool claims to do."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
