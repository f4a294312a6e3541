"""The local model: a real llama.cpp server behind three protocols, started, watched, ended."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from aether.errors import NotReady
from aether.local_model import SHIPPED_ID, LocalModel

pytestmark = pytest.mark.local
ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[LocalModel]:
    model = LocalModel(models_dir=tmp_path)
    yield model
    await model.stop()


async def test_it_speaks_all_three_protocols(local: LocalModel) -> None:
    root = await local.address(SHIPPED_ID)
    asked = {"model": SHIPPED_ID, "messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 8}
    bodies = {
        "/v1/chat/completions": asked,
        "/v1/messages": asked,
        "/v1/responses": {"model": SHIPPED_ID, "input": "Say hello.", "max_output_tokens": 8, "store": False},
    }
    async with httpx2.AsyncClient(timeout=60) as client:
        for path, body in bodies.items():
            answer = await client.post(root + path, json=body)
            assert answer.status_code == 200, answer.text
            assert answer.json()["model"] == SHIPPED_ID
        listed = (await client.get(f"{root}/v1/models")).json()["data"][0]
        usual = (await client.get(f"{root}/props")).json()["default_generation_settings"]["params"]
    assert (usual["repeat_last_n"], round(usual["repeat_penalty"], 2)) == (512, 1.1), "or it says one thing for ever"
    assert listed["id"] == SHIPPED_ID
    assert listed["meta"]["n_ctx"] == 8192


async def test_it_is_started_again_after_a_kill(local: LocalModel) -> None:
    told: list[tuple[str, str, str]] = []
    local.on_change = lambda *change: told.append(change)
    first = await local.address(SHIPPED_ID)
    pid = _children(os.getpid())[0]
    os.kill(pid, signal.SIGKILL)
    while local.status(SHIPPED_ID)[0] != "off":
        await asyncio.sleep(0.01)
    second = await local.address(SHIPPED_ID)
    async with httpx2.AsyncClient() as client:
        assert (await client.get(f"{second}/health")).status_code == 200
    assert [state for _, state, _ in told[:3]] == ["starting", "ready", "off"]
    assert first.startswith("http://127.0.0.1:")


async def test_a_broken_file_fails_with_a_reason_and_does_not_loop(tmp_path: Path) -> None:
    (tmp_path / "broken.gguf").write_bytes(b"GGUF but not really" * 100)
    local = LocalModel(models_dir=tmp_path)
    with pytest.raises(NotReady, match=r"broken\.gguf is not a model file"):
        await local.address("broken")
    assert local.status("broken")[0] == "failed"
    assert not _children(os.getpid())
    with pytest.raises(NotReady):
        await local.address("absent")
    await local.stop()


async def test_a_start_that_nobody_waits_for_any_more_leaves_no_process(tmp_path: Path) -> None:
    local = LocalModel(models_dir=tmp_path)
    asking = asyncio.create_task(local.address(SHIPPED_ID))
    while not _children(os.getpid()):
        await asyncio.sleep(0.01)
    asking.cancel()
    await asyncio.wait({asking})
    assert (asking.cancelled(), local.status(SHIPPED_ID)) == (True, ("off", ""))
    assert not _children(os.getpid())
    await local.stop()


async def test_a_file_in_the_folder_is_a_model_loaded_at_first_use_and_unloaded_when_idle(tmp_path: Path) -> None:
    local = LocalModel(models_dir=tmp_path, idle_s=0.4)
    shipped = local.models()[0]
    (tmp_path / "another.gguf").symlink_to(shipped.path)
    assert [f.id for f in local.models()] == [SHIPPED_ID, "another"]
    await local.start()
    assert local.status("another") == ("off", "")
    await local.address("another")
    assert local.status("another") == ("ready", "")
    async with asyncio.timeout(10):
        while local.status("another")[0] == "ready":
            await asyncio.sleep(0.05)
    assert local.status(SHIPPED_ID)[0] == "ready", "the first stays"
    await local.stop()
    assert not _children(os.getpid())


async def test_no_orphan_is_left_when_the_parent_is_killed(tmp_path: Path) -> None:
    script = textwrap.dedent(
        f"""
        import asyncio, sys
        from pathlib import Path
        from aether.local_model import LocalModel
        async def main():
            local = LocalModel(models_dir=Path({str(tmp_path)!r}))
            await local.start()
            print("up", flush=True)
            await asyncio.Event().wait()
        asyncio.run(main())
        """
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": str(ROOT)}
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "up\n"
        (child,) = _children(parent.pid)
        parent.kill()
    async with asyncio.timeout(5):
        while _is_alive(child):
            await asyncio.sleep(0.02)


async def test_the_child_gets_no_environment_of_ours(tmp_path: Path) -> None:
    os.environ["CANARY_KEY"] = "sk-CANARY-child"
    local = LocalModel(models_dir=tmp_path)
    try:
        await local.start()
        (child,) = _children(os.getpid())
        assert "CANARY" not in Path(f"/proc/{child}/environ").read_text()
    finally:
        del os.environ["CANARY_KEY"]
        await local.stop()


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += [int(p) for p in (task / "children").read_text().split()]
    return [p for p in found if "local_server.py" in Path(f"/proc/{p}/cmdline").read_text()]


def _is_alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
