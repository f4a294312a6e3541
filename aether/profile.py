"""What a model can take: facts as fields, never a test on a name.

A profile is data from `providers.toml`, from a live list of models, or learnt from an
error. What is left out takes the strictest value that is safe on every server of the
protocol, so that an unknown server works at the first try. Pure: no I/O.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, cast

Protocol = Literal["openai-chat", "openai-responses", "anthropic-messages"]
PROTOCOLS: tuple[Protocol, ...] = ("openai-chat", "openai-responses", "anthropic-messages")


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Say what one model on one endpoint accepts.

    `tools`, `vision`, `files`: what it takes beside text.
    `system`: `lead` one system text at the start; `any` also later ones; `none` the role
    is refused and its text is folded into the first user message. `developer_role`: system
    texts go out as `developer`. `strict_alternation`: user and assistant must take turns.
    `strict_tool_user`: a user message right after a tool's result is refused.
    `string_content`: a text goes out as a string (chat), an earlier answer as a string
    (Responses); else as a list of parts, which is the one form that llama.cpp's Responses
    endpoint knows (run against it).
    `id_rule`: `any`, `nine` (nine alphanumerics), or a regular expression for tool ids.
    `reasoning_key`: the assistant key that carries a model's own reasoning back to it;
    empty: none. `reasoning_needed`: each assistant message with calls must have that key;
    `reasoning_placeholder` stands there where the reasoning was another model's.
    `stream_usage`: it takes the wish for token counts at the end of a stream.
    `result_images`: a tool result may hold images.
    `foreign_call_extra`: JSON text of an object that is laid over each call in the history
    that the target did not make; empty: nothing (Gemini 3 wants a signature on every call;
    Google documents the placeholder, matrix T13).
    `effort_key`: where the body says how hard to think, dots for objects inside objects
    (`reasoning_effort`, `reasoning.effort`, `output_config.effort`); empty: it is not said.
    `efforts`: the words among `none` to `max` that it takes there (types of the SDKs).
    `thinking`: `manual` wants a budget in tokens, `adaptive` the wish alone (Claude 4.6 and
    on), `none` neither (types of the SDK `anthropic`).
    `cache_marks`: it takes marks of what to keep in its cache (matrix P7).
    `max_tokens_key`: the body key that bounds the answer. `sampling`: `free`, `one` of
    temperature and top_p, or `none`. `extra_keys`: body keys beyond the protocol's.
    `context_window` and `max_output`: tokens; None: not known. `usual_output`: tokens that an
    answer is bounded to where nobody wishes otherwise; None: its service has a bound of its own.
    `bounds_reasoning`: the bound of an answer holds for its reasoning too; where it does not, a
    shared link sets aside the price of `max_output`, or else of `context_window`.
    """

    tools: bool = False
    vision: bool = False
    files: bool = False
    system: Literal["lead", "any", "none"] = "lead"
    developer_role: bool = False
    id_rule: str = "any"
    strict_alternation: bool = True
    strict_tool_user: bool = True
    string_content: bool = True
    reasoning_key: str = ""
    reasoning_needed: bool = False
    reasoning_placeholder: str = ""
    max_tokens_key: str = "max_tokens"
    stream_usage: bool = True
    result_images: bool = False
    foreign_call_extra: str = ""
    effort_key: str = ""
    efforts: tuple[str, ...] = ()
    thinking: Literal["none", "manual", "adaptive"] = "none"
    cache_marks: bool = False
    sampling: Literal["free", "one", "none"] = "one"
    extra_keys: tuple[str, ...] = ()
    context_window: int | None = None
    max_output: int | None = None
    # These are no part of what is shown, nor of its digest.
    usual_output: int | None = field(default=None, repr=False)
    bounds_reasoning: bool = field(default=True, repr=False)

    def with_fields(self, values: dict[str, Any]) -> Profile:
        """Return the profile with `values` laid over it; raise KeyError for an unknown field."""
        known = {f.name for f in fields(self)}
        if unknown := set(values) - known:
            raise KeyError(f"unknown profile field: {', '.join(sorted(unknown))}")
        clean = {k: tuple(cast(list[str], v)) if isinstance(v, list) else v for k, v in values.items()}
        return replace(self, **clean)


DEFAULTS: dict[Protocol, Profile] = {
    "openai-chat": Profile(),
    "openai-responses": Profile(
        tools=True, result_images=True, strict_tool_user=False, max_tokens_key="max_output_tokens"
    ),
    "anthropic-messages": Profile(
        tools=True, result_images=True, string_content=False, strict_tool_user=False, id_rule="^[a-zA-Z0-9_-]+$"
    ),
}
"""The strictest safe profile of each protocol."""
