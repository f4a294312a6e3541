"""The catalog: every shipped entry is whole, files lie over one another, mistakes are sentences."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from aether.catalog import MOST_LEARNT, SHIPPED_PROVIDERS, Catalog
from aether.catalog.prices import known_facts
from aether.errors import CatalogError, MissingKey, UnknownModel, UnknownProvider
from aether.llm import Pool
from aether.receipts import word
from aether.router import ProviderRouter
from aether.settings import Secret

ROOT = Path(__file__).parent.parent.parent
CONTRACT = {
    *("local", "anthropic", "openai", "openrouter", "nvidia", "litellm", "ollama", "lmstudio", "vllm", "groq"),
    *("mistral", "deepseek", "gemini", "xai", "together", "huggingface", "cerebras"),
}
SHIPPED = Catalog.load([SHIPPED_PROVIDERS], key=lambda name: None)
ENTRY = '[[provider]]\nname = "acme"\nlabel = "Acme"\nprotocol = "openai-chat"\nbase_url = "https://acme.example/v1"\n'


def load(folder: Path, text: str, *, key: str | None = None) -> Catalog:
    file = folder / "more.toml"
    file.write_text(text)
    return Catalog.load([SHIPPED_PROVIDERS, file], key=lambda name: Secret(key) if key else None)


def test_every_provider_of_the_contract_is_shipped() -> None:
    assert {p.name for p in SHIPPED.providers} >= CONTRACT


@pytest.mark.parametrize("name", [p.name for p in SHIPPED.providers])
def test_each_entry_is_whole_and_documented(name: str) -> None:
    provider = SHIPPED.provider(name)
    assert provider.models or provider.discover, "it offers nothing"
    versioned = re.search(r"/v\d", provider.base_url)
    assert bool(versioned) == (provider.protocol != "anthropic-messages") or provider.local
    assert provider.base_url.startswith("https://") or "127.0.0.1" in provider.base_url or provider.local
    for model in SHIPPED.models(name):
        assert model.label
        assert model.label != model.id, f"{model.id} has no name for people"
        assert model.tagline, f"{model.id} has no line that says what it is for"
    text = SHIPPED_PROVIDERS.read_text()
    before = text[: text.index(f'name = "{name}"')].rsplit("\n\n", 1)[1]
    assert before.lstrip().startswith("#") or provider.local, "its source stands in a comment above it"
    if provider.api_key_env:
        assert f"# {provider.api_key_env}=" in (ROOT / ".env.example").read_text()


def test_a_provider_without_its_key_is_listed_with_what_it_wants() -> None:
    listed = {p["name"]: p for p in SHIPPED.to_dict()}
    assert listed["anthropic"]["ready"] is False
    assert "ANTHROPIC_API_KEY" in listed["anthropic"]["reason"]
    assert listed["local"]["ready"] is True
    assert set(listed["anthropic"]) == {"name", "label", "protocol", "ready", "reason", "models"}


def test_a_reference_is_split_at_its_first_slash() -> None:
    assert Catalog.split("openrouter/qwen/qwen3-next") == ("openrouter", "qwen/qwen3-next")


def test_a_later_file_adds_and_replaces_by_name(tmp_path: Path) -> None:
    replaced = ENTRY.replace("acme", "groq").replace("Acme", "My Groq")
    catalog = load(tmp_path, f'{ENTRY}models = ["acme-1"]\n{replaced}models = ["x"]\n')
    assert catalog.provider("acme").models[0].id == "acme-1"
    assert catalog.provider("groq").label == "My Groq"
    assert len([p for p in catalog.providers if p.name == "groq"]) == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[provider]\n", "cannot be read"),
        ('provider = "x"\n', "[[provider]] entries"),
        (ENTRY.replace('label = "Acme"\n', ""), "has no label"),
        (ENTRY.replace('"acme"', '"a/b"'), "no slash"),
        (ENTRY.replace("openai-chat", "carrier-pigeon"), "protocol must be one of"),
        (ENTRY.replace("https://", "ftp://"), "http:// or https://"),
        (ENTRY.replace("https://", "https://user:pass@"), "must not hold a user"),
        (ENTRY + "colour = 1\n", "unknown field: colour"),
        (ENTRY + 'models = "m"\n', "models is of the wrong type"),
        (ENTRY + "profile = { wings = true }\n", "unknown profile field: wings"),
        (ENTRY + 'profile = { tools = "yes" }\n', "profile.tools cannot be 'yes'"),
        (ENTRY + 'profile = { sampling = "all" }\n', "profile.sampling cannot be 'all'"),
        (ENTRY + 'profile = { context_window = "8k" }\n', "profile.context_window cannot be '8k'"),
        (ENTRY + 'profile = { id_rule = "[" }\n', "profile.id_rule cannot be '['"),
        (ENTRY + 'profile = { foreign_call_extra = "{" }\n', "profile.foreign_call_extra cannot be '{'"),
        (ENTRY + '[[provider.model]]\nid = "m"\nmax_output = true\n', "profile.max_output cannot be True"),
        (ENTRY + 'leave_out = ["["]\n', "leave_out must be a list of regular expressions"),
        ('leave_out = "embed"\n' + ENTRY, "leave_out must be a list of regular expressions"),
        (ENTRY.replace("https://", "https://["), "base_url is no address"),
        (ENTRY + '[[provider.model]]\nid = "m"\nprice = { input = -1, output = 2 }\n', "a price has input and output"),
        (ENTRY + ENTRY, "stands there twice"),
    ],
)
def test_a_mistake_in_a_file_is_a_sentence_that_names_the_entry(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(CatalogError) as caught:
        load(tmp_path, text)
    assert says in caught.value.sentence
    assert "more.toml" in caught.value.sentence


@pytest.mark.parametrize(
    ("provider", "model", "error"),
    [
        ("nobody", "m", UnknownProvider),
        (None, None, UnknownProvider),
        ({"name": "anthropic"}, "m", UnknownProvider),
        ("anthropic", "claude-nope", UnknownModel),
        ("anthropic", None, UnknownModel),
        ("openrouter", "  ", UnknownModel),
        ("anthropic", "claude-opus-5-5", MissingKey),
    ],
)
async def test_what_cannot_be_resolved_is_refused(provider: object, model: object, error: type[Exception]) -> None:
    pool = Pool()
    with pytest.raises(error):
        ProviderRouter(SHIPPED, pool).bind(provider, model)
    await pool.aclose()


def test_a_live_list_adds_behind_and_fills_in_what_the_file_leaves_out(tmp_path: Path) -> None:
    catalog = load(tmp_path, ENTRY + 'models = ["m"]\n[[provider.model]]\nid = "m"\nvision = true\n', key="k")
    entries: list[dict[str, Any]] = [
        {"id": "m", "context_length": 5000, "architecture": {"input_modalities": ["text"]}},
        {"id": "other", "pricing": {"prompt": "0.000001", "completion": "0.000002"}},
        {"id": "text-embedding-3"},
        {"id": 7},
        {},
    ]
    catalog.merge_live("acme", entries)
    first, second = catalog.models("acme")
    assert (first.id, first.profile.context_window, first.profile.vision) == ("m", 5000, True)
    assert second.id == "other"
    assert second.price is not None
    assert (second.price.input, second.price.output) == (1.0, 2.0)


@pytest.mark.parametrize(("prompt", "completion"), [("0", "0"), ("0", "0.00001"), ("0.00001", "0")])
def test_a_price_of_nothing_is_not_known(tmp_path: Path, prompt: str, completion: str) -> None:
    catalog = load(tmp_path, ENTRY, key="k")
    catalog.merge_live("acme", [{"id": "m", "pricing": {"prompt": prompt, "completion": completion}}])
    assert catalog.model("acme", "m").price is None


def test_a_newer_list_tells_the_price(tmp_path: Path) -> None:
    catalog = load(tmp_path, ENTRY, key="k")
    for usd in ("0.000001", "0.0001", "1e-14"):
        catalog.merge_live("acme", [{"id": "m", "context_length": 5000, "pricing": {"prompt": usd, "completion": usd}}])
        price = catalog.model("acme", "m").price
        assert price is not None and price.input == price.output >= float(usd) * 1_000_000 > 0
    assert price is not None and price.input == 0.000001


def test_what_an_error_told_wins_over_all_else(tmp_path: Path) -> None:
    catalog = load(tmp_path, ENTRY + 'models = ["m"]\n[[provider.model]]\nid = "m"\ncontext_window = 9000\n')
    catalog.learn("acme", "m", context_window=2048, tools=False)
    assert catalog.model("acme", "m").profile.context_window == 2048
    with pytest.raises(KeyError):
        catalog.learn("acme", "m", wings=True)


@pytest.mark.parametrize(
    "model_id",
    ["x" * 201, "x" * 1_000_000, "a\nb", "a b ", "ä", 'a"b', "a<b", "\ud83d", "-x", "", " ", None, ["x"], {"a": {}}],
)
def test_what_is_no_model_id_is_looked_up_nowhere(tmp_path: Path, model_id: object) -> None:
    catalog = load(tmp_path, ENTRY + 'custom_models = true\nprice_table = "openai"\n')
    looked_up = known_facts.cache_info().currsize
    with pytest.raises(UnknownModel) as refused:
        catalog.model("acme", model_id)
    assert len(str(refused.value)) < 200
    assert known_facts.cache_info().currsize == looked_up
    assert len(word(model_id)) <= 200


@pytest.mark.parametrize("model_id", ["m", "qwen/qwen3:free", "ft:gpt-4o:my-org::Ab1", "org/Model-7B@v2.1", "x" * 200])
def test_a_model_id_may_be_typed_where_the_provider_allows_it(tmp_path: Path, model_id: str) -> None:
    assert load(tmp_path, ENTRY + "custom_models = true\n").model("acme", model_id).id == model_id


def test_what_is_remembered_of_models_is_bounded(tmp_path: Path) -> None:
    catalog = load(tmp_path, ENTRY + "custom_models = true\n")
    for number in range(MOST_LEARNT + 50):
        catalog.learn("acme", f"m{number}", vision=False)
    assert catalog.model("acme", "m0").profile.vision == catalog.model("acme", "other").profile.vision
    assert not catalog.model("acme", f"m{MOST_LEARNT + 49}").profile.vision
    assert known_facts.cache_info().maxsize


@pytest.mark.parametrize(
    "entry",
    [
        {"id": "half \ud83d"},
        {"id": "m", "type": ["chat"]},
        {"id": "m", "type": {"chat": 1}},
        {"id": "m", "name": "\ude00"},
        {"id": "m", "pricing": {"prompt": "NaN", "completion": 1e300}},
        {"id": "m", "pricing": {"prompt": 10**400, "completion": "1e999"}},
    ],
)
def test_an_entry_of_a_live_list_that_makes_no_sense_costs_nothing_else(entry: dict[str, Any]) -> None:
    catalog = Catalog.load([SHIPPED_PROVIDERS], key=lambda name: None)
    catalog.merge_live("openrouter", [entry, {"id": "good/one"}])
    listed = {m.id: m for m in catalog.models("openrouter")}
    assert "good/one" in listed
    assert "m" not in listed or listed["m"].price is None
    json.dumps(catalog.to_dict(), ensure_ascii=False, allow_nan=False).encode()
