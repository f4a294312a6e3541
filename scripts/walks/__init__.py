"""The walks through the page on which `scripts/views.py` takes its pictures."""

from __future__ import annotations

from scripts.walks import cells, guarded, kept, talk, tools, troubled, words
from scripts.walks.way import Way

WALKS = {
    "talk": talk.walk,
    "tools": tools.walk,
    "cells": cells.walk,
    "files": cells.files,
    "troubled": troubled.walk,
    "kept": kept.walk,
    "forced": troubled.forced,
    "words": words.walk,
}
GUARDED = {"guarded": guarded.walk}
"""The walks on a shared link."""
LANGUAGES = ("de", "es", "fr", "ja", "zh")

__all__ = ["GUARDED", "LANGUAGES", "WALKS", "Way"]
