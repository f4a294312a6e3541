"""ProviderRouter: a model reference becomes an LLM, ready to stream. Resolves, never chooses.

No network, no default, no fallback: what cannot be resolved raises a SwapError.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aether.catalog import Catalog
from aether.errors import CellError, MissingKey, NotReady, UnknownModel
from aether.llm import LLM, Address, Pool

MOST_AT_ONCE = 4
"""How many models may answer one message side by side."""


class ProviderRouter:
    """Resolve references against the catalog, over the process's one pool of connections."""

    def __init__(self, catalog: Catalog, pool: Pool, *, address: Address | None = None) -> None:
        self._catalog = catalog
        self._pool = pool
        self._address = address

    def resolve(self, reference: object) -> LLM:
        """Return the LLM of `provider/model`; raise SwapError with a plain sentence."""
        if not isinstance(reference, str) or "/" not in reference:
            raise UnknownModel("That is not a model: a model is named provider/model.")
        return self.bind(*self._catalog.split(reference))

    def several(self, references: Sequence[str], *, least: int = 1) -> list[LLM]:
        """Return the LLMs of models that are to answer side by side, all of them or none; raise as `resolve`."""
        if not least <= len(references) <= MOST_AT_ONCE:
            raise CellError(f"Choose {least} to {MOST_AT_ONCE} models.")
        return [self.resolve(reference) for reference in references]

    def bind(self, provider_name: object, model_id: object) -> LLM:
        """Return the LLM of a provider's model; raise SwapError with a plain sentence."""
        provider = self._catalog.provider(provider_name)
        model = self._catalog.model(provider_name, model_id)
        key = self._catalog.key(provider)
        if provider.api_key_env and key is None:
            raise MissingKey(f"{provider.label} needs a key: set {provider.api_key_env} in .env.")
        if provider.local and self._address is None:
            raise NotReady(f"{provider.label} is switched off here.")
        return LLM(
            provider=provider,
            model=model,
            key=key,
            pool=self._pool,
            address=self._address if provider.local else None,
            own_key=key is not None and self._catalog.own_key(provider.name) == key,
        )

    def fresh(self, llm: LLM) -> LLM:
        """Return the same model with the key that holds now; a visitor may have handed one over, or taken it back."""
        return llm if self._catalog.key(llm.provider) == llm.key else self.bind(llm.provider.name, llm.model.id)

    def learn(self, llm: LLM, facts: Mapping[str, int | bool]) -> LLM:
        """Remember facts about a model that its service told in an error; return the model bound anew."""
        self._catalog.learn(llm.provider.name, llm.model.id, **facts)
        return self.bind(llm.provider.name, llm.model.id)
