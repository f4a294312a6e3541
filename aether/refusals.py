"""Why nothing of a message was saved: it is too long, or there is no room for it. More of the tree in `errors.py`."""

from __future__ import annotations

from aether.errors import GuardError


class MessageTooLong(GuardError):
    """Say that one message is longer than any request may be."""

    kind = "too_long"
    remedy = "Nothing was sent. Shorten it."


class NoRoom(GuardError):
    """Say that the disk, or what is set aside for all conversations, is full."""

    kind = "no_room"
    remedy = "Nothing was saved. Try again once there is room."


class VisitorFull(GuardError):
    """Say that one visitor's conversations take all the room that a visitor has."""

    kind = "full"
    remedy = "Nothing was saved. Delete some conversations first."
