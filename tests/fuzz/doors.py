"""All doors by name: those in this process, and those of the running application."""

from __future__ import annotations

from tests.fuzz import history, imports, markup, secrets, setup, streams, toolcalls, uploads
from tests.fuzz.door import Door

PURE: dict[str, Door] = {
    door.name: door
    for room in (streams, imports, uploads, markup, history, secrets, setup, toolcalls)
    for door in room.DOORS
}
"""Doors that are entered in this process, thousands of times a second."""
