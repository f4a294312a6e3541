"""ProviderRouter: a model reference becomes an LLM, ready to stream. Resolves, never chooses.

No network, no default, no fallback: what cannot be resolved raises a SwapError.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from aether.catalog import Catalog
from aether.errors import CellError, KeyGone, MissingKey, NotReady, UnknownModel
from aether.keyring import NO_OWN_KEYS, OwnKeys
from aether.llm import LLM, Address, Pool, account_of

MOST_AT_ONCE = 4
"""How many models may answer one message side by side."""


class ProviderRouter:
    """Resolve references against the catalog, over the process's one pool of connections."""

    def __init__(self, catalog: Catalog, pool: Pool, *, address: Address | None = None) -> None:
        self._catalog = catalog
        self._pool = pool
        self._address = address

    def resolve(self, reference: object, own: OwnKeys = NO_OWN_KEYS) -> LLM:
        """Return the LLM of `provider/model`; raise SwapError with a plain sentence."""
        if not isinstance(reference, str) or "/" not in reference:
            raise UnknownModel("That is not a model: a model is named provider/model.")
        return self.bind(*self._catalog.split(reference), own)

    def several(self, references: Sequence[str], own: OwnKeys = NO_OWN_KEYS, *, least: int = 1) -> list[LLM]:
        """Return the LLMs of models that are to answer side by side, all of them or none; raise as `resolve`."""
        if not least <= len(references) <= MOST_AT_ONCE:
            raise CellError(f"Choose {least} to {MOST_AT_ONCE} models.")
        return [self.resolve(reference, own) for reference in references]

    def bind(self, provider_name: object, model_id: object, own: OwnKeys = NO_OWN_KEYS) -> LLM:
        """Return the LLM of a provider's model, paid by the visitor whose keys `own` are, else by the operator.

        Raises SwapError with a plain sentence: KeyGone where the visitor wanted a key of their own that is not here.
        """
        provider = self._catalog.provider(provider_name)
        key = own.key(provider.name) if provider.own_keys else None
        if key is None and provider.own_keys and own.is_wanted(provider.name):
            raise KeyGone(f"Your own key for {provider.label} is gone.")
        model = self._catalog.model(provider_name, model_id, account_of(key))
        is_own = key is not None
        key = key or self._catalog.key(provider)
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
            own_key=is_own,
        )

    def fresh(self, llm: LLM, own: OwnKeys = NO_OWN_KEYS) -> LLM:
        """Return the same model with the key that holds now; raise as `bind`.

        A visitor may have handed a key over since, or taken it back; one that is gone is replaced by no other.
        """
        if not llm.own_key and not own.is_wanted(llm.provider.name):
            return llm if self._catalog.key(llm.provider) == llm.key else self._again(llm, own)
        return llm if llm.own_key and own.key(llm.provider.name) == llm.key else self._again(llm, own)

    def learn(self, llm: LLM, facts: Mapping[str, int | bool]) -> LLM:
        """Remember facts about a model that its service told in an error; return the same binding with them.

        What was told to a visitor's own key holds for that key alone.
        """
        account = account_of(llm.key) if llm.own_key else ""
        self._catalog.learn(llm.provider.name, llm.model.id, account, **facts)
        return replace(llm, model=self._catalog.model(llm.provider.name, llm.model.id, account))

    def accept(self, llm: LLM, tokens: int) -> None:
        """Take note that a model has read so many tokens: no error can make its window much smaller than that."""
        account = account_of(llm.key) if llm.own_key else ""
        self._catalog.accept(llm.provider.name, llm.model.id, account, tokens)

    def _again(self, llm: LLM, own: OwnKeys) -> LLM:
        return self.bind(llm.provider.name, llm.model.id, own)
