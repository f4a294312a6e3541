"""Aether: a notebook chat in which the model can change in the middle of a conversation."""

from aether.lean import import_gradio_leaner

__version__ = "0.1.0"

import_gradio_leaner()  # before any room imports Gradio
