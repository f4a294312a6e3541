"""The page's own events over plain HTTP, as a browser sends them: for what no public endpoint does."""

from __future__ import annotations

from typing import Any

from tests.faults.sharing import Visitor


def press(visitor: Visitor, element: str, *data: Any, kind: str = "click") -> str:
    """Fire an event of an element of the page by its id, with what its fields hold; return the whole answer.

    The page itself, which is told that it was loaded, has no id: "".
    """
    config = visitor.http.get("/config").json()
    wanted = {c["id"] for c in config["components"] if c["props"].get("elem_id") == element}
    event = next(
        d for d in config["dependencies"] if any((not element or t[0] in wanted) and t[1] == kind for t in d["targets"])
    )
    inputs = [*data, *[None] * (len(event["inputs"]) - len(data))]  # a session's state stays on the server
    body = {"fn_index": event["id"], "data": inputs, "session_hash": visitor.session}
    answer = visitor.http.post("/gradio_api/run/predict", json=body)
    assert answer.status_code == 200, answer.text
    return answer.text
