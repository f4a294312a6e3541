"""Providers and models: `providers.toml` → Provider, Model. Facts, looked up by name; nothing is asked here.

The shipped file comes first; later files add providers or replace those of the same name.
Live lists and facts learnt from errors are laid over it while the process runs: what the
file says wins over a list, what was learnt wins over both.
"""

from __future__ import annotations

import re
import reprlib
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from aether.catalog.file import LONGEST_ID, SHIPPED_PROVIDERS, Model, Provider, read_providers
from aether.catalog.learnt import Learnt
from aether.catalog.live import models_of
from aether.catalog.prices import known_facts
from aether.errors import UnknownModel, UnknownProvider
from aether.profile import Profile
from aether.settings import Secret

__all__ = ["SHIPPED_PROVIDERS", "Catalog", "Model", "Provider", "Readiness"]

TYPED_ID = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._:/@~+=,() -]*[A-Za-z0-9._:/@~+=,()-])?")
"""A model id that a visitor may type; a name of a file may have spaces inside."""
MOST_LEARNT = 1_000
"""Models of which something learnt is remembered; the oldest is forgotten first."""


@dataclass(frozen=True)
class Readiness:
    """Whether a provider can answer now, and why not, in plain words."""

    ready: bool
    reason: str = ""


class Catalog:
    """All providers, in the order of the files. Lookups are by name and cost nothing."""

    def __init__(self, providers: Sequence[Provider], *, key: Callable[[str], Secret | None]) -> None:
        self._providers = {p.name: p for p in providers}
        self._of_file = {p.name: {m.id: m for m in p.models} for p in providers}
        self._listed = {name: dict(models) for name, models in self._of_file.items()}
        self._status: dict[str, Readiness] = {}
        self._learnt = Learnt()
        self._key = key
        self.own_names: Callable[[], Collection[str]] = tuple
        """Return the providers for which the visitor who asks has a key: for what is shown, never for what is paid."""

    @classmethod
    def load(cls, files: Sequence[Path], *, key: Callable[[str], Secret | None]) -> Catalog:
        """Read provider files, later ones over earlier ones; raise CatalogError."""
        merged: dict[str, Provider] = {}
        leave_out: tuple[str, ...] = ()
        for path in files:
            providers, leave_out = read_providers(path, leave_out)
            merged |= {p.name: p for p in providers}
        return cls(list(merged.values()), key=key)

    @property
    def providers(self) -> tuple[Provider, ...]:
        """List all providers, in the order of the files."""
        return tuple(self._providers.values())

    @staticmethod
    def split(reference: str) -> tuple[str, str]:
        """Split a model reference at its first slash."""
        provider, _, model = reference.partition("/")
        return provider, model

    def provider(self, name: object) -> Provider:
        """Return the provider of that name; raise UnknownProvider."""
        found = self._providers.get(name) if isinstance(name, str) else None
        if found is None:
            raise UnknownProvider(f"There is no provider named {_shown(name)}.")
        return found

    def model(self, provider_name: object, model_id: object, account: str = "") -> Model:
        """Return a provider's model with all that is known of it; raise UnknownProvider or UnknownModel.

        `account`: the fingerprint of a visitor's own key, for which other facts may have been learnt.
        """
        provider = self.provider(provider_name)
        id_ = model_id if isinstance(model_id, str) and len(model_id) <= LONGEST_ID else ""
        found = self._listed[provider.name].get(id_)
        if found is None and provider.custom_models and TYPED_ID.fullmatch(id_):
            found = Model(id_, id_, provider.profile)
        if found is None:
            raise UnknownModel(f"{provider.label} has no model named {_shown(model_id)}.")
        return self._with_tiers(provider, self._complete(provider, found, account))

    def models(self, provider_name: str) -> tuple[Model, ...]:
        """Return all models of a provider: those of the file first, then those of its live list."""
        provider = self.provider(provider_name)
        return tuple(self._complete(provider, m) for m in self._listed[provider.name].values())

    def key(self, provider: Provider) -> Secret | None:
        """Return the operator's key for a provider; None if it needs none or has none."""
        return self._key(provider.api_key_env) if provider.api_key_env else None

    def readiness(self, provider_name: str) -> Readiness:
        """Tell whether a provider can answer now, and why not."""
        provider = self.provider(provider_name)
        if provider.api_key_env and self.key(provider) is None and provider_name not in self.own_names():
            return Readiness(False, f"needs {provider.api_key_env} in .env")
        return self._status.get(provider_name, Readiness(True))

    def set_status(self, provider_name: str, ready: bool, reason: str = "") -> None:
        """Keep what was found out about a provider while the process runs."""
        self._status[self.provider(provider_name).name] = Readiness(ready, reason)

    def merge_live(self, provider_name: str, entries: list[dict[str, Any]]) -> None:
        """Lay a provider's live list over its models: new ones behind, what the file does not tell filled in.

        What an earlier list told of a model is replaced: its price and its window may have changed.
        """
        provider = self.provider(provider_name)
        listed, of_file = dict(self._listed[provider.name]), self._of_file[provider.name]
        for model in models_of(provider, entries):
            listed[model.id] = of_file[model.id].filled_from(model) if model.id in of_file else model
        self._listed[provider.name] = listed

    def learn(self, provider_name: str, model_id: str, account: str = "", **facts: Any) -> None:
        """Remember fields of a model's profile that its service told in an error; they win for a while."""
        provider = self.provider(provider_name)
        Profile().with_fields(facts)  # raises KeyError for a field that there is not
        self._learnt.add((provider.base_url, model_id, account), facts)

    def accept(self, provider_name: str, model_id: str, account: str, tokens: int) -> None:
        """Take note that a model has read so many tokens at once."""
        self._learnt.accept((self.provider(provider_name).base_url, model_id, account), tokens)

    def taglines(self) -> dict[str, str]:
        """Return the line that says what a model is for, by reference; of those that have one."""
        return {f"{p.name}/{m.id}": m.tagline for p in self.providers for m in p.models if m.tagline}

    def to_dict(self) -> list[dict[str, Any]]:
        """Return the list of providers in the form of the API."""
        return [self._provider_dict(p, self.models(p.name)) for p in self.providers]

    def names(self) -> list[dict[str, Any]]:
        """Return the same list with what the files tell alone: the price table takes a while to read at first."""
        return [self._provider_dict(p, self._listed[p.name].values()) for p in self.providers]

    def _complete(self, provider: Provider, model: Model, account: str = "") -> Model:
        """Fill in what the price table knows, and lay over what was learnt."""
        profile = model.profile
        price = model.price
        if profile.context_window is None or price is None:
            window, table = known_facts(provider.price_table, model.id)
            price = price or table
            profile = replace(profile, context_window=profile.context_window or window)
        if price is not None and any(re.search(p, model.id, re.IGNORECASE) for p in provider.unbounded):
            price = replace(price, unbounded=True)
        learnt = self._learnt.get((provider.base_url, model.id, account))
        profile = profile.with_fields(learnt) if learnt else profile
        return replace(model, profile=profile, price=price)

    def _with_tiers(self, provider: Provider, model: Model) -> Model:
        """Add the dearer rates of long requests to a price that is the same in the table: no list tells them."""
        price, (_, table) = model.price, known_facts(provider.price_table, model.id)
        if price is None or table is None or price.tiers or (price.input, price.output) != (table.input, table.output):
            return model
        return replace(model, price=replace(price, tiers=table.tiers))

    def _provider_dict(self, provider: Provider, models: Iterable[Model]) -> dict[str, Any]:
        state = self.readiness(provider.name)
        return {
            "name": provider.name,
            "label": provider.label,
            "protocol": provider.protocol,
            "ready": state.ready,
            "reason": state.reason,
            "models": [_model_dict(m) for m in models],
        }


def _model_dict(model: Model) -> dict[str, Any]:
    price = model.price
    return {
        "id": model.id,
        "label": model.label,
        "context_window": model.profile.context_window,
        "vision": model.profile.vision,
        "tools": model.profile.tools,
        "price": {"input": price.input, "output": price.output} if price else None,
    }


def _shown(value: object) -> str:
    """Quote what came from outside, however long it is and whatever it holds."""
    text = " ".join(value[:LONGEST_ID].split()) if isinstance(value, str) else reprlib.repr(value)
    return f"“{text[:80]}”"
