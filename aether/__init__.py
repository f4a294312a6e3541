"""Aether: a notebook chat in which the model can change in the middle of a conversation."""

from aether.stubless import import_without_stubs

__version__ = "0.1.0"

import_without_stubs()  # before any room imports Gradio
