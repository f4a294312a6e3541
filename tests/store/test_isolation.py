"""Cases 16 and 20, in one process: sessions at once never see one another, and one session does one thing at a time."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

import pytest

from aether.errors import BusyError
from aether.keeping import StoreKeeper
from aether.store.conversations import Store
from aether.store.listing import Wanted
from tests.scripted import ScriptedProvider
from tests.swap.rig import Rig

SESSIONS, TURNS = 8, 4


async def test_case_16_no_word_crosses_between_sessions_of_one_loop(
    scripted: ScriptedProvider, url: str, tmp_path: Path
) -> None:
    store, rig = Store(url), Rig(scripted, tmp_path)
    store.open()

    async def talk(number: int) -> None:
        owner, word = f"{number:064x}", f"token{number}word"
        runtime = rig.runtime(open_keeper=partial(StoreKeeper, store))
        runtime.keeper.belong(owner)
        for turn in range(TURNS):
            runtime.ask(f"{word} {turn}")
            await runtime.settle()
        await runtime.keeper.flush()
        (entry,) = store.browse(owner, Wanted())
        kept = store.load(owner, entry.id).transcript
        assert kept == runtime.transcript
        assert [t.text for t in kept.turns] == [f"{word} {n}" for n in range(TURNS)]
        assert kept.to_json().count("token") == kept.to_json().count(word) >= 2 * TURNS
        assert [e.id for e in store.browse(owner, Wanted(word))] == [entry.id]
        assert store.browse(owner, Wanted(f"token{number + 1}word")) == []

    await asyncio.gather(*(talk(number) for number in range(SESSIONS)))
    await rig.aclose()
    store.close()


async def test_case_20_two_turns_at_once_in_one_session_are_refused_and_the_order_holds(
    scripted: ScriptedProvider, url: str, tmp_path: Path
) -> None:
    store, rig = Store(url), Rig(scripted, tmp_path)
    store.open()
    runtime = rig.runtime("chat/gate-1", open_keeper=partial(StoreKeeper, store))
    runtime.keeper.belong("f" * 64)
    runtime.ask("first")
    for _ in range(10):
        with pytest.raises(BusyError):
            runtime.ask("at once")
        await asyncio.sleep(0)
    scripted.release()
    await runtime.settle()
    await runtime.keeper.flush()
    kept = store.load("f" * 64, runtime.keeper.id).transcript
    assert [t.text for t in kept.turns] == ["first"]
    await rig.aclose()
    store.close()
