"""Gradio is imported without writing type stubs into its package, without what it loads for nothing, and is whole."""

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
    assert said.split() == ["aether.lean", "1", "True"]


SESSION = """
import sys
import aether
import gradio as gr
from gradio.state_holder import SessionState
with gr.Blocks() as blocks:
    box = gr.Textbox("first")
session = SessionState(blocks)
sys.modules["gradio.blocks"].BlocksConfig.config_for_block = None
assert SessionState(blocks)[box._id] is box
sys.modules["gradio.blocks"].BlocksConfig.config_for_block = lambda *_: {}
session._update_value_in_config(box._id, "second")
session[box._id] = gr.Textbox("third", render=False)
print(len(session.config_values), session[box._id].value, box.value)
"""


def test_a_session_keeps_its_components_and_no_copy_of_the_page() -> None:
    said = subprocess.run([sys.executable, "-c", SESSION], capture_output=True, text=True, check=True).stdout
    assert said.split() == ["0", "third", "first"]


UNLOADED = """
import sys
import aether
import gradio as gr
from gradio import caching
print([name for name in ("pandas", "mcp") if name in sys.modules])
table = gr.Dataframe([[1, 2]]).value
import pandas
print(caching.pd.DataFrame is pandas.DataFrame, caching.cache_hash(pandas.DataFrame()) != "", table["data"])
import mcp
print(mcp.ClientSession.__name__)
"""


def test_pandas_and_the_mcp_sdk_are_loaded_where_they_are_used_and_are_whole() -> None:
    said = subprocess.run([sys.executable, "-c", UNLOADED], capture_output=True, text=True, check=True).stdout
    assert said.splitlines() == ["[]", "True True [[1, 2]]", "ClientSession"]
