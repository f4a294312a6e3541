"""Who is strict about what: variants of a service, chosen by the prefix of the URL.

`/mistral/v1/chat/completions` is judged as Mistral would; `/text-only+small-ctx-500/v1/messages`
lays two variants over each other. It knows no bodies.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

Voice = Literal["openai", "groq", "mistral", "deepseek", "llama"]


@dataclass(frozen=True, kw_only=True)
class Strictness:
    """What a service refuses beyond its protocol's own rules.

    `is_on`: judge at all. `is_tidy`: also refuse what the protocol's owner forgives but other
    servers of it do not (an assistant at the end, equal neighbours, server-side state).
    `voice`: whose words the refusals of chat bodies are in. `extra_keys`: keys of a body or
    a message that are taken beyond the protocol's. `context_tokens`: the window, at four letters a
    token; None: no limit. `binds_thinking`: a thinking block is void after a changed prefix.
    """

    is_on: bool = True
    is_tidy: bool = True
    voice: Voice = "openai"
    extra_keys: frozenset[str] = frozenset()
    nine_char_ids: bool = False
    no_user_after_tool: bool = False
    alternates: bool = False
    leads_with_system: bool = False
    no_system: bool = False
    takes_mid_system: bool = False
    takes_images: bool = True
    takes_tools: bool = True
    wants_string_content: bool = False
    wants_reasoning: bool = False
    is_o_series: bool = False
    sampling: Literal["free", "one", "none"] = "one"
    binds_thinking: bool = False
    wants_key: bool = False
    context_tokens: int | None = None


DEEPSEEK_KEYS = frozenset({"reasoning_content", "thinking"})
VARIANTS: dict[str, dict[str, Any]] = {
    "openai": {},
    "groq": {"voice": "groq"},
    "mistral": {"voice": "mistral", "nine_char_ids": True, "no_user_after_tool": True},
    "template": {"voice": "llama", "alternates": True, "leads_with_system": True},
    "llama": {"voice": "llama"},
    "deepseek": {"voice": "deepseek", "takes_images": False, "extra_keys": DEEPSEEK_KEYS},
    "deepseek-thinking": {
        "voice": "deepseek",
        "takes_images": False,
        "wants_reasoning": True,
        "extra_keys": DEEPSEEK_KEYS,
    },
    "text-only": {"voice": "deepseek", "takes_images": False},
    "string-content": {"wants_string_content": True},
    "no-system": {"no_system": True},
    "mid-system": {"takes_mid_system": True},
    "no-tools": {"takes_tools": False},
    "o-series": {"is_o_series": True},
    "no-sampling": {"sampling": "none"},
    "free-sampling": {"sampling": "free"},
    "bound-thinking": {"binds_thinking": True},
    "needs-key": {"wants_key": True},
    "forgiving": {"is_tidy": False},
    "lenient": {"is_on": False},
}
SMALL_CONTEXT = "small-ctx"
SMALL_CONTEXT_TOKENS = 500


def strictness_of(names: str, *, base: Strictness) -> Strictness:
    """Return the variants that a URL prefix names, `+` between them; raises KeyError for an unknown one."""
    found = base
    for name in filter(None, names.split("+")):
        if name == SMALL_CONTEXT or name.startswith(f"{SMALL_CONTEXT}-"):
            size = name.removeprefix(SMALL_CONTEXT).lstrip("-")
            found = replace(found, context_tokens=int(size) if size else SMALL_CONTEXT_TOKENS)
        else:
            found = replace(found, **VARIANTS[name])
    return found
