"""What is spared Gradio's events is found in the Gradio that is installed, and changes nothing that they do."""

from __future__ import annotations

from typing import Any

import gradio as gr
from fastapi import FastAPI
from fastapi.testclient import TestClient

from aether.ui.lighter import lighten


async def doubled(number: float, request: gr.Request) -> str:
    return f"{2 * number:.0f} for {request.session_hash}"


def mounted() -> tuple[gr.Blocks, FastAPI]:
    with gr.Blocks() as demo:
        number, button, shown = gr.Number(), gr.Button(), gr.Textbox()
        button.click(doubled, number, shown, queue=False, api_name="doubled")
    app = gr.mount_gradio_app(FastAPI(), demo, path="/")
    lighten(demo, demo.app)
    return demo, app


def test_an_event_does_what_it_did() -> None:
    _, app = mounted()
    with TestClient(app) as client:
        body: dict[str, Any] = {"data": [21], "fn_index": 0, "session_hash": "me"}
        answer = client.post("/gradio_api/run/predict", json=body)
    assert answer.json()["data"] == ["42 for me"]


def test_annotations_are_types_and_no_thread_is_asked_for_a_login() -> None:
    demo, _ = mounted()
    assert doubled.__annotations__ == {"number": float, "request": gr.Request, "return": str}
    assert [check.__name__ for check in demo.app.dependency_overrides] == ["login_check"]
