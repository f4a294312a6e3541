"""The catalog's list → the choices of the two dropdowns. It knows the form of `/list_models`, and no provider."""

from __future__ import annotations

import re
from typing import Any

import gradio as gr

from aether.ui.sentences import told
from aether.ui.words import say

Choices = list[tuple[str, str]]


def both(providers: list[dict[str, Any]], *, reference: str) -> tuple[gr.Dropdown, gr.Dropdown]:
    """Return both dropdowns, showing the model `reference`."""
    name = reference.partition("/")[0]
    models, _ = models_of(providers, name)
    if reference and all(value != reference for _, value in models):
        models.insert(0, (reference.partition("/")[2], reference))
    ordered = sorted(providers, key=lambda provider: not provider["ready"])
    choices = [(_label(provider), str(provider["name"])) for provider in ordered]
    return gr.Dropdown(choices, value=name or None), gr.Dropdown(models, value=reference or None)


def word(value: object) -> str | None:
    """Return what a dropdown is said to show: from a browser it may be anything."""
    return value if isinstance(value, str) else None


def models_of(
    providers: list[dict[str, Any]], name: str | None, *, keyless: str = "picker.needs_key"
) -> tuple[Choices, str]:
    """Return a provider's models as choices, or no choices and a sentence that says why.

    `keyless` is the key of the text that says where a missing key goes.
    """
    provider = next((p for p in providers if p["name"] == name), None)
    if provider is None:
        return [], say("picker.no_provider")
    if not provider["ready"]:
        return [], _refusal(str(provider["label"]), reason=str(provider["reason"]), keyless=keyless)
    models = [(str(m["label"] or m["id"]), f"{name}/{m['id']}") for m in provider["models"]]
    return models, "" if models else say("picker.no_models", provider=provider["label"])


def _refusal(label: str, *, reason: str, keyless: str) -> str:
    """Say why a provider cannot answer, and for a missing key where it goes."""
    if missing := re.fullmatch(r"needs (\w+) in \.env", reason):
        return say(keyless, provider=label, variable=missing[1])
    return say("picker.not_ready", provider=label, reason=told(reason).rstrip(".。"))


def _label(provider: dict[str, Any]) -> str:
    return str(provider["label"]) if provider["ready"] else f"{provider['label']} · {told(str(provider['reason']))}"
