"""The tool `current_time`: what the clock says in a time zone."""

from __future__ import annotations

import difflib
import zoneinfo
from datetime import datetime

from aether.tools.base import ToolError, tool


@tool(reads_only=True, quotes=False)
def current_time(timezone: str = "UTC") -> str:
    """Tell the current date and time in a time zone.

    timezone: A name of the IANA database, such as UTC, Europe/Berlin or America/New_York.
    """
    known = zoneinfo.available_timezones()
    if timezone not in known:
        near = difflib.get_close_matches(timezone[:80], known, n=3, cutoff=0.4)
        meant = f" Did you mean {', '.join(near)}?" if near else ""
        raise ToolError(f"There is no time zone {timezone[:80]}.{meant} Use an IANA name such as Europe/Berlin.")
    now = datetime.now(zoneinfo.ZoneInfo(timezone))
    return f"{now.isoformat(timespec='seconds')} ({now:%A}, {timezone})"
