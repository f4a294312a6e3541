"""Read a providers file: TOML → Provider, Model. Every mistake in it is a sentence that names the entry."""

from __future__ import annotations

import json
import logging
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache
from pathlib import Path
from typing import Any, cast, get_type_hints
from urllib.parse import urlsplit

from pydantic import TypeAdapter, ValidationError

from aether.catalog.addresses import is_loopback, is_public
from aether.errors import CatalogError
from aether.profile import DEFAULTS, PROTOCOLS, Profile, Protocol
from aether.usage import Price

LONGEST_ID = 200
"""Characters of a model id; a longer one is looked up nowhere."""
log = logging.getLogger("aether")
SHIPPED_PROVIDERS = Path(__file__).parent.parent / "providers.toml"
PROVIDER_KEYS: dict[str, type | tuple[type, ...]] = {
    "name": str, "label": str, "protocol": str, "base_url": str, "api_key_env": str, "models": list, "discover": bool,
    "custom_models": bool, "own_keys": (bool, str), "local": bool, "headers": dict, "profile": dict,
    "price_table": str, "leave_out": list, "unbounded": list, "model": list,
}  # fmt: skip
MODEL_KEYS: dict[str, type | tuple[type, ...]] = {"id": str, "label": str, "tagline": str, "price": dict}
PROFILE_KEYS = {f.name for f in fields(Profile)}
_PATTERNS = TypeAdapter(list[str])
PRICE_KEYS = {"input", "output", "cache_read", "cache_write"}


@dataclass(frozen=True)
class Model:
    """One model of a provider. `price` None: not known. `stated`: the profile's fields that a source has told."""

    id: str
    label: str
    profile: Profile = field(default_factory=Profile)
    price: Price | None = None
    tagline: str = ""
    stated: frozenset[str] = frozenset()

    def filled_from(self, other: Model) -> Model:
        """Return this model with what `other` knows and this one does not."""
        extra = {k: getattr(other.profile, k) for k in other.stated - self.stated}
        return replace(
            self,
            profile=self.profile.with_fields(extra),
            price=self.price or other.price,
            stated=self.stated | other.stated,
        )


@dataclass(frozen=True)
class Provider:
    """One service at one address. `local`: our own server answers, wherever it listens now.

    `own_keys`: visitors may bring keys of their own, which the operator's file allows and the address permits.
    `price_table` names the provider in `genai-prices`; `leave_out` are patterns of ids that
    a live list may hold and that are no chat models, `unbounded` those of models with fees that nothing in a
    request bounds.
    """

    name: str
    label: str
    protocol: Protocol
    base_url: str
    api_key_env: str | None = None
    models: tuple[Model, ...] = ()
    discover: bool = False
    custom_models: bool = False
    own_keys: bool = False
    local: bool = False
    profile: Profile = field(default_factory=Profile)
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    price_table: str = ""
    leave_out: tuple[str, ...] = ()
    unbounded: tuple[str, ...] = ()


def read_providers(path: Path, leave_out: tuple[str, ...] = ()) -> tuple[tuple[Provider, ...], tuple[str, ...]]:
    """Return the providers of a file, and its patterns of ids behind those of earlier files.

    Raises CatalogError for what cannot be used.
    """
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CatalogError(f"{path} cannot be read: {error}.") from error
    entries = data.get("provider", [])
    if not isinstance(entries, list) or data.keys() - {"provider", "leave_out"}:
        raise CatalogError(f"{path} must hold [[provider]] entries and nothing else.")
    shared = (*leave_out, *_patterns(data.get("leave_out", []), str(path)))
    found: list[Provider] = []
    for entry in cast(list[object], entries):
        table = _table(entry, PROVIDER_KEYS, f"{path}: a provider")
        where = f"{path}: provider {table.get('name', '?')}"
        provider = _provider(table, where, shared)
        if any(p.name == provider.name for p in found):
            raise CatalogError(f"{where} stands there twice.")
        found.append(provider)
    return tuple(found), shared


def _table(entry: object, keys: Mapping[str, type | tuple[type, ...]], where: str) -> dict[str, Any]:
    if not isinstance(entry, dict):
        raise CatalogError(f"{where} must be a table.")
    table = cast(dict[str, Any], entry)
    if unknown := table.keys() - keys.keys():
        raise CatalogError(f"{where} has an unknown field: {', '.join(sorted(unknown))}.")
    for name, value in table.items():
        if not isinstance(value, keys[name]):
            raise CatalogError(f"{where}: {name} is of the wrong type.")
    return table


def _provider(entry: dict[str, Any], where: str, shared: tuple[str, ...]) -> Provider:
    for name in ("name", "label", "protocol", "base_url"):
        if not entry.get(name):
            raise CatalogError(f"{where} has no {name}.")
    if "/" in entry["name"] or entry["name"] != entry["name"].strip():
        raise CatalogError(f"{where}: a name has no slash and no spaces around it.")
    if entry["protocol"] not in PROTOCOLS:
        raise CatalogError(f"{where}: protocol must be one of {', '.join(PROTOCOLS)}.")
    protocol: Protocol = entry["protocol"]
    profile = _profile(DEFAULTS[protocol], entry.get("profile", {}), where)
    return Provider(
        name=entry["name"],
        label=entry["label"],
        protocol=protocol,
        base_url=_address(entry["base_url"], where),
        api_key_env=entry.get("api_key_env"),
        models=_models(entry, profile, where),
        discover=entry.get("discover", False),
        custom_models=entry.get("custom_models", False),
        own_keys=_takes_own_keys(entry, where),
        local=entry.get("local", False),
        profile=profile,
        headers={str(k): str(v) for k, v in entry.get("headers", {}).items()},
        price_table=entry.get("price_table", ""),
        leave_out=(*shared, *_patterns(entry.get("leave_out", []), where)),
        unbounded=_patterns(entry.get("unbounded", []), where, "unbounded"),
    )


def _takes_own_keys(entry: dict[str, Any], where: str) -> bool:
    """Return whether visitors may bring keys of their own: where the file says so, and the address permits it."""
    match wish := entry.get("own_keys", False):
        case bool():
            takes = wish and is_public(entry["base_url"])
        case "loopback":
            takes = is_loopback(entry["base_url"])
        case _:
            raise CatalogError(f'{where}: own_keys must be true, false or "loopback".')
    if wish and not takes:
        log.warning("%s: own_keys is left out, because its address does not permit it.", where)
    return takes and bool(entry.get("api_key_env")) and not entry.get("local", False)


def _patterns(value: object, where: str, field: str = "leave_out") -> tuple[str, ...]:
    """Return patterns of ids, if all of them are some."""
    try:
        return tuple(re.compile(pattern).pattern for pattern in _PATTERNS.validate_python(value, strict=True))
    except (ValidationError, re.error) as error:
        raise CatalogError(f"{where}: {field} must be a list of regular expressions.") from error


def _address(url: str, where: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise CatalogError(f"{where}: base_url is no address.") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise CatalogError(f"{where}: base_url must begin with http:// or https://.")
    if "@" in parts.netloc:
        raise CatalogError(f"{where}: base_url must not hold a user or a password.")
    return url.rstrip("/")


def _profile(base: Profile, values: dict[str, Any], where: str) -> Profile:
    try:
        profile = base.with_fields(values)
    except KeyError as error:
        raise CatalogError(f"{where}: {error.args[0]}.") from error
    for name in values:
        if not _is_one(name, getattr(profile, name)):
            raise CatalogError(f"{where}: profile.{name} cannot be {repr(values[name])[:80]}.")
    return profile


def _is_one(name: str, value: object) -> bool:
    """Tell whether a value can stand in a field of a profile."""
    try:
        _field(name).validate_python(value, strict=True)
        match name:
            case "id_rule":
                re.compile(str(value))
            case "foreign_call_extra":
                return not value or isinstance(json.loads(str(value)), dict)
            case _:
                pass
    except (ValidationError, ValueError, re.error):
        return False
    return True


@cache
def _field(name: str) -> TypeAdapter[Any]:
    return TypeAdapter(get_type_hints(Profile)[name])


def _models(entry: dict[str, Any], profile: Profile, where: str) -> tuple[Model, ...]:
    """Join the ids of `models` with the facts of `[[provider.model]]`, in the order of `models`."""
    keys = MODEL_KEYS | dict.fromkeys(PROFILE_KEYS, object)
    stated = set(entry.get("profile", {}))
    told = {m.id: m for m in (_model(_table(e, keys, where), profile, stated, where) for e in entry.get("model", []))}
    ids = [str(i) for i in entry.get("models", [])]
    return tuple(told.get(i) or Model(i, i, profile, stated=frozenset(stated)) for i in dict.fromkeys([*ids, *told]))


def _model(entry: dict[str, Any], profile: Profile, stated: set[str], where: str) -> Model:
    if not entry.get("id"):
        raise CatalogError(f"{where}: a model has no id.")
    where = f"{where}, model {entry['id']}"
    facts = {k: v for k, v in entry.items() if k in PROFILE_KEYS}
    return Model(
        id=entry["id"],
        label=entry.get("label") or entry["id"],
        profile=_profile(profile, facts, where),
        price=_price(entry["price"], where) if "price" in entry else None,
        tagline=entry.get("tagline", ""),
        stated=frozenset({*stated, *facts}),
    )


def _price(values: dict[str, Any], where: str) -> Price:
    numbers = all(
        isinstance(v, int | float) and not isinstance(v, bool) and 0 <= v <= 1_000_000 for v in values.values()
    )
    if values.keys() - PRICE_KEYS or not {"input", "output"} <= values.keys() or not numbers:
        raise CatalogError(f"{where}: a price has input and output, in USD for a million tokens.")
    return Price(**values)
