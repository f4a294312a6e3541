"""Real servers take what lowering makes: llama.cpp under all three protocols, and a LiteLLM proxy in front of it.

They are lenient in much, so our own checker looks at each body as well. LiteLLM lives in an
environment of its own, `.venv-litellm`, which `make litellm` makes; without it its test is skipped.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from aether.catalog import Catalog
from aether.limits import Limits
from aether.llm import Budgets, Pool
from aether.local_model import LocalModel
from aether.local_server import READY
from aether.router import ProviderRouter
from aether.runtime import AgentRuntime
from aether.settings import Secret
from aether.transcript import Transcript
from tests.scripted.reply import Call
from tests.swap.rig import KEY, PROTOCOLS, say
from tests.wire.targets import Talk, picture

pytestmark = [pytest.mark.local, pytest.mark.timeout(300)]  # a busy machine makes a model slow
ROOT = Path(__file__).parent.parent.parent
LITELLM = ROOT / ".venv-litellm" / "bin" / "litellm"
MODEL = "smollm2-135m"
SHORT = Limits(answer_tokens=4)
PATIENT = Budgets(first_event_s=60.0)


def lived_through() -> Transcript:
    """Return a conversation with all that is hard to carry, by models of every protocol."""
    read, add = Call(name="read_file", arguments='{"path":"a.txt"}'), Call(name="calculate", arguments='{"expr')
    talk = Talk().user(picture(), "What is this?").says("anthropic-thinks", "A cat.", reasoning="I see fur.")
    talk.user("Read a.txt.").says("chat-openai", "I look.", calls=[read, add], results=["It says hello.", "4"])
    talk.says("responses-openai", "It says hello.", reasoning="That was easy.")
    talk.user("Tell me more.").says("anthropic-new", "Once upon a time there", calls=[read], cut_after=9).stops()
    return talk.user("Now something bad.").says("chat-openai", refusal="I would rather not.").transcript


HARD = ("cat.png", "It says hello.", "Once upon a time", "I would rather not.")
"""What every server must be told of it."""


@pytest.fixture(scope="module")
def llama() -> Iterator[str]:
    """The address of a real llama.cpp server with the model that ships with Aether."""
    files = LocalModel(models_dir=ROOT / "no-such-folder").models()
    if not files:
        pytest.skip("The local model cannot be installed on this system.")
    command = [sys.executable, str(ROOT / "aether" / "local_server.py"), str(files[0].path), MODEL, "8192", "1"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith(READY)
        yield line.removeprefix(READY).strip()
        process.communicate()


@pytest.fixture(scope="module")
def litellm(llama: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real LiteLLM proxy in front of it."""
    if not LITELLM.exists():
        pytest.skip("LiteLLM is not installed here; `make litellm` installs it into .venv-litellm.")
    config = tmp_path_factory.mktemp("litellm") / "config.yaml"
    upstream = {"model": f"openai/{MODEL}", "api_base": f"{llama}/v1", "api_key": "none"}
    config.write_text(json.dumps({"model_list": [{"model_name": MODEL, "litellm_params": upstream}]}))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [str(LITELLM), "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
    command += ["--telemetry", "False"]
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(config.parent),
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_MASTER_KEY": KEY,
    }
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        said: list[str] = []
        for line in process.stdout:
            said.append(line)
            if "Uvicorn running" in line:
                break
        else:
            pytest.fail("".join(said[-20:]))
        threading.Thread(target=process.stdout.read, daemon=True).start()  # a full pipe would stop it
        yield f"http://127.0.0.1:{port}"
        process.terminate()


def runtime_on(root: str, folder: Path, *, tools: bool) -> tuple[AgentRuntime, Pool]:
    """Return a session that may ask a server under each protocol."""
    entries = [
        f'[[provider]]\nname = "{name}"\nlabel = "{name}"\nprotocol = "{protocol}"\nmodels = ["{MODEL}"]\n'
        f'base_url = "{root if name == "messages" else root + "/v1"}"\n'
        'api_key_env = "ANY_KEY"\n'
        f"profile = {{ tools = {str(tools).lower()}, string_content = {str(name != 'responses').lower()} }}\n"
        for name, protocol in PROTOCOLS.items()
    ]
    path = folder / "providers.toml"
    path.write_text("\n".join(entries))
    pool = Pool(PATIENT)
    router = ProviderRouter(Catalog.load([path], key=lambda _: Secret(KEY)), pool)
    return AgentRuntime(router, default=f"chat/{MODEL}", limits=SHORT), pool


async def swapped_at_every_turn(
    root: str, folder: Path, caplog: pytest.LogCaptureFixture, *, tools: bool, rounds: int = 2
) -> None:
    """Prove that the server takes the conversation under each protocol in turn, then its own answers as well."""
    runtime, pool = runtime_on(root, folder, tools=tools)
    runtime.transcript = lived_through()
    with caplog.at_level(logging.WARNING, "aether"):
        for number, name in enumerate((*PROTOCOLS,) * rounds):
            runtime.select(name, MODEL)
            await say(runtime, f"Question {number}?")
            answer = runtime.transcript.turns[-1].answers[0]
            assert answer.failure is None, f"{name}: {answer.failure}"
            assert answer.steps[0].reference == f"{name}/{MODEL}"
            sent = json.dumps(runtime.records[-1].body)
            assert [word for word in (*HARD, f"Question {number}?") if word not in sent] == []
    await pool.aclose()
    assert [r.getMessage() for r in caplog.records] == []


async def test_llama_cpp_takes_a_hard_history_under_every_protocol(
    llama: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await swapped_at_every_turn(llama, tmp_path, caplog, tools=True, rounds=1)


@pytest.mark.skipif(os.environ.get("AETHER_LONG") != "1", reason="takes half a minute; AETHER_LONG=1 plays it")
@pytest.mark.parametrize("tools", [True, False], ids=["with-tools", "without-tools"])
async def test_llama_cpp_takes_its_own_answers_back_as_well(
    llama: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, tools: bool
) -> None:
    await swapped_at_every_turn(llama, tmp_path, caplog, tools=tools, rounds=2)


@pytest.mark.parametrize("tools", [True, False], ids=["with-tools", "without-tools"])
async def test_a_litellm_proxy_takes_a_hard_history_under_every_protocol(
    litellm: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, tools: bool
) -> None:
    await swapped_at_every_turn(litellm, tmp_path, caplog, tools=tools)
