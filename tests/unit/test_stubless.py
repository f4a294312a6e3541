"""Gradio is imported without writing type stubs into its package, and is whole."""

from __future__ import annotations

import subprocess
import sys

SEEN = """
import aether
import gradio as gr
from gradio import component_meta
with gr.Blocks() as blocks:
    gr.Textbox().change(lambda text: text)
print(component_meta.create_or_modify_pyi.__module__, len(blocks.fns), gr.Textbox.EVENTS != [])
"""


def test_gradio_writes_no_stubs_and_its_components_have_all_their_events() -> None:
    said = subprocess.run([sys.executable, "-c", SEEN], capture_output=True, text=True, check=True).stdout
    assert said.split() == ["aether.stubless", "1", "True"]
