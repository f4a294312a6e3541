"""Build runtimes over the scripted provider, with all three protocols at one address."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aether.catalog import Catalog
from aether.llm import Budgets, Pool
from aether.logs import Redactor
from aether.router import ProviderRouter
from aether.runtime import AgentRuntime
from aether.settings import Secret
from tests.scripted import ScriptedProvider

KEY = "sk-CANARY-0123456789abcdef"
PROTOCOLS = {"chat": "openai-chat", "responses": "openai-responses", "messages": "anthropic-messages"}
QUICK = Budgets(connect_s=2.0, first_event_s=5.0, gap_s=5.0, whole_s=30.0)


@dataclass
class Rig:
    """A catalog, a pool and a router over one scripted provider."""

    scripted: ScriptedProvider
    folder: Path
    budgets: Budgets = QUICK
    extra: str = ""
    pool: Pool = field(init=False)
    router: ProviderRouter = field(init=False)

    def __post_init__(self) -> None:
        entries = [
            f'[[provider]]\nname = "{name}"\nlabel = "{name.title()}"\nprotocol = "{protocol}"\n'
            f'base_url = "{self.scripted.base_url(protocol)}"\napi_key_env = "SCRIPTED_KEY"\n'
            f'models = ["echo-small"]\ncustom_models = true\nprofile = {{ tools = true }}\n'
            for name, protocol in PROTOCOLS.items()
        ]
        keyless = (
            '[[provider]]\nname = "keyless"\nlabel = "Keyless"\nprotocol = "openai-chat"\n'
            'base_url = "http://127.0.0.1:9/v1"\napi_key_env = "ABSENT_KEY"\nmodels = ["m"]\n'
        )
        path = self.folder / "providers.toml"
        path.write_text("\n".join([*entries, keyless, self.extra]))
        keys = {"SCRIPTED_KEY": Secret(KEY)}
        catalog = Catalog.load([path], key=keys.get)
        self.pool = Pool(self.budgets, Redactor([KEY]))
        self.router = ProviderRouter(catalog, self.pool)

    def runtime(self, default: str = "chat/echo-small", **more: Any) -> AgentRuntime:
        """Return a fresh runtime, as each session gets one; `more` is what else it takes."""
        return AgentRuntime(self.router, default=default, redact=Redactor([KEY]), **more)

    async def aclose(self) -> None:
        with suppress(RuntimeError):
            await self.pool.aclose()


async def say(runtime: AgentRuntime, message: str) -> str:
    """Ask, wait for the end of the turn, and return the answer's text."""
    live = runtime.ask(message)
    await runtime.settle()
    return live.answer().text
