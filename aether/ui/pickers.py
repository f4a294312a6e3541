"""The catalog's list → the choices of the two dropdowns. It knows the form of `/list_models`, and no provider."""

from __future__ import annotations

from typing import Any

import gradio as gr

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


def models_of(providers: list[dict[str, Any]], name: str | None) -> tuple[Choices, str]:
    """Return a provider's models as choices, or no choices and a sentence that says why."""
    provider = next((p for p in providers if p["name"] == name), None)
    if provider is None:
        return [], "That provider is not in the list. The model was not changed."
    if not provider["ready"]:
        reason = str(provider["reason"]).rstrip(".")
        return [], f"{provider['label']} is not ready. {reason}. The model was not changed."
    models = [(str(m["label"] or m["id"]), f"{name}/{m['id']}") for m in provider["models"]]
    return models, "" if models else f"{provider['label']} lists no model at the moment. The model was not changed."


def _label(provider: dict[str, Any]) -> str:
    return str(provider["label"]) if provider["ready"] else f"{provider['label']} · {provider['reason']}"
