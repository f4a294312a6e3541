"""A session's conversation on its way into the store, over the scripted provider: nothing here is played."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import pytest

from aether.errors import BusyError, LostSession
from aether.keeping import StoreKeeper
from aether.runtime import AgentRuntime
from aether.store.conversations import Kept, NotFound, Store
from aether.store.listing import Wanted
from aether.transcript import Transcript
from tests.scripted import ScriptedProvider
from tests.store.samples import everything
from tests.swap.rig import Rig

OWNER = "c" * 64
Open = Callable[..., AgentRuntime]


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    opened = Store(url)
    opened.open()
    yield opened
    opened.close()


@pytest.fixture
async def open_(scripted: ScriptedProvider, store: Store, tmp_path: Path) -> AsyncIterator[Open]:
    """Open sessions of one visitor."""
    rig, opened = Rig(scripted, tmp_path), list[AgentRuntime]()

    def made(default: str = "chat/echo-small", *, kept_in: Store = store) -> AgentRuntime:
        runtime = rig.runtime(default, open_keeper=partial(StoreKeeper, kept_in))
        runtime.keeper.belong(OWNER)
        opened.append(runtime)
        return runtime

    yield made
    for runtime in opened:
        await runtime.stop()
        await runtime.keeper.flush()
    await rig.aclose()


async def until(fact: Callable[[], bool]) -> None:
    """Wait for a fact."""
    async with asyncio.timeout(15):
        while not fact():
            await asyncio.sleep(0.02)


def kept(store: Store, runtime: AgentRuntime) -> Kept | None:
    try:
        return store.load(OWNER, runtime.keeper.id)
    except NotFound:
        return None


def text_kept(store: Store, runtime: AgentRuntime) -> str:
    found = kept(store, runtime)
    answers = found.transcript.turns[-1].answers if found else ()
    return answers[-1].text if answers else ""


async def said(runtime: AgentRuntime, message: str) -> None:
    runtime.ask(message)
    await runtime.settle()
    await runtime.keeper.flush()


async def test_the_message_is_kept_before_the_request_leaves(
    scripted: ScriptedProvider, store: Store, open_: Open
) -> None:
    runtime = open_("chat/silent")
    runtime.ask("remember this")
    await until(lambda: bool(scripted.requests))
    found = kept(store, runtime)
    assert found is not None
    assert found.transcript.turns[0].text == "remember this"
    assert found.is_held


async def test_an_answer_is_kept_while_it_grows(scripted: ScriptedProvider, store: Store, open_: Open) -> None:
    runtime = open_("chat/gate-3")
    live = runtime.ask("write")
    await until(lambda: live.draft is not None and "w3" in live.draft.text)
    await until(lambda: "w3" in text_kept(store, runtime))
    assert kept(store, runtime).is_held  # pyright: ignore[reportOptionalMemberAccess]
    scripted.release()
    await runtime.settle()
    await runtime.keeper.flush()
    found = kept(store, runtime)
    assert found is not None
    assert found.transcript == runtime.transcript
    assert not found.is_held


async def test_what_is_stopped_is_kept_as_it_was_on_the_screen(store: Store, open_: Open) -> None:
    runtime = open_("messages/stall-3")
    live = runtime.ask("write")
    await until(lambda: live.draft is not None and "t3" in live.draft.text)
    await runtime.stop()
    await runtime.keeper.flush()
    assert kept(store, runtime).transcript == runtime.transcript  # pyright: ignore[reportOptionalMemberAccess]
    assert "t3" in text_kept(store, runtime)


async def test_a_session_goes_on_with_what_another_one_kept(store: Store, open_: Open) -> None:
    first = open_("messages/echo-small")
    await said(first, "one")
    found = kept(store, first)
    assert found is not None
    second = open_("chat/echo-small")
    second.load(found.transcript, kept=found)
    assert (second.reference, second.transcript) == ("messages/echo-small", first.transcript)
    await said(second, "two")
    assert second.keeper.id == first.keeper.id
    assert [t.text for t in kept(store, second).transcript.turns] == ["one", "two"]  # pyright: ignore[reportOptionalMemberAccess]


async def test_two_tabs_on_one_conversation_never_mix(store: Store, open_: Open) -> None:
    """The second to speak goes on in a copy, and is told."""
    first = open_()
    await said(first, "begin")
    second = open_()
    begun = kept(store, first)
    assert begun is not None
    second.load(begun.transcript, kept=begun)
    await asyncio.gather(said(first, "from the first"), said(second, "from the second"))
    assert {first.keeper.id == second.keeper.id} == {False}
    assert "forked" in {first.keeper.notice.news, second.keeper.notice.news}
    for tab, words in ((first, "from the first"), (second, "from the second")):
        found = kept(store, tab)
        assert found is not None
        assert [t.text for t in found.transcript.turns] == ["begin", words]
        assert found.transcript == tab.transcript
    await said(second, "and on")
    assert len(store.browse(OWNER, Wanted())) == 2


async def test_a_new_conversation_does_not_lose_the_end_of_the_last(store: Store, open_: Open) -> None:
    runtime = open_()
    runtime.ask("the last word")
    await runtime.settle()
    before, whole = runtime.keeper.id, runtime.transcript
    assert runtime.new_conversation() != before
    await said(runtime, "another")
    assert store.load(OWNER, before).transcript == whole
    assert len(store.browse(OWNER, Wanted())) == 2


async def test_a_swap_and_a_choice_are_kept_without_a_message(store: Store, open_: Open) -> None:
    runtime = open_()
    await said(runtime, "one")
    runtime.rerun(0, reference="messages/echo-small")
    await runtime.settle()
    runtime.swap("responses", "echo-small")
    runtime.choose(0, 0)
    await runtime.keeper.flush()
    found = kept(store, runtime)
    assert found is not None
    assert (found.model, found.transcript) == ("responses/echo-small", runtime.transcript)
    assert found.transcript.turns[0].chosen == 0


async def test_swaps_while_it_is_saved_leave_the_last(store: Store, open_: Open) -> None:
    runtime = open_("chat/paced-200x60")
    runtime.ask("write")
    for number in range(100):
        runtime.swap(("chat", "messages", "responses")[number % 3], "echo-small")
        await asyncio.sleep(0)
    await runtime.settle()
    await runtime.keeper.flush()
    found = kept(store, runtime)
    assert found is not None
    assert (found.model, found.transcript) == (runtime.reference, runtime.transcript)


async def test_several_answers_at_once_are_kept_while_they_grow(
    scripted: ScriptedProvider, store: Store, open_: Open
) -> None:
    runtime = open_()
    runtime.compare("both of you", ["chat/gate-2", "messages/echo-small"])
    await until(lambda: "w2" in str(kept(store, runtime)) and "You said: both" in str(kept(store, runtime)))
    scripted.release()
    await runtime.settle()
    await runtime.keeper.flush()
    assert kept(store, runtime).transcript == runtime.transcript  # pyright: ignore[reportOptionalMemberAccess]


async def test_case_37e_without_a_database_the_chat_goes_on_and_says_so(tmp_path: Path, open_: Open) -> None:
    """Once the disk is back, everything is kept: what was left meanwhile as well, without another word."""
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where the folder should be")
    broken = Store(f"sqlite:///{blocked / 'aether.db'}")
    runtime = open_(kept_in=broken)
    await said(runtime, "hello")
    assert runtime.transcript.turns[0].answers[0].text == "You said: hello"
    assert runtime.keeper.notice.trouble
    left, whole = runtime.keeper.id, runtime.transcript
    runtime.new_conversation()
    await said(runtime, "again")
    blocked.unlink()
    await until(lambda: not runtime.keeper.notice.trouble)
    assert broken.load(OWNER, left).transcript == whole
    assert broken.load(OWNER, runtime.keeper.id).transcript == runtime.transcript
    broken.close()


async def test_what_is_deleted_while_it_is_written_stays_deleted(
    scripted: ScriptedProvider, store: Store, open_: Open
) -> None:
    """Until something new is said to it: that is kept, in a copy."""
    runtime = open_("chat/gate-2")
    runtime.ask("write")
    await until(lambda: "w2" in text_kept(store, runtime))
    deleted = runtime.keeper.id
    store.change(OWNER, deleted, deleted=True)
    scripted.release()
    await runtime.settle()
    await runtime.keeper.flush()
    assert store.browse(OWNER, Wanted()) == []
    assert runtime.keeper.notice.news == "deleted"
    scripted.release()
    await said(runtime, "and yet")
    (copy,) = store.browse(OWNER, Wanted())
    assert copy.id != deleted
    assert store.load(OWNER, copy.id).transcript == runtime.transcript
    assert len(runtime.transcript.turns) == 2


async def test_no_other_conversation_takes_the_place_of_one_that_is_being_written(
    scripted: ScriptedProvider, store: Store, open_: Open
) -> None:
    runtime = open_("chat/gate-2")
    runtime.ask("write")
    await until(lambda: "w2" in text_kept(store, runtime))
    for change in (lambda: runtime.load(everything()), runtime.new_conversation):
        with pytest.raises(BusyError):
            change()
    scripted.release()
    await runtime.settle()
    await runtime.keeper.flush()
    assert [t.text for t in runtime.transcript.turns] == ["write"]
    assert kept(store, runtime).transcript == runtime.transcript  # pyright: ignore[reportOptionalMemberAccess]


async def test_a_session_that_this_process_never_opened_begins_nothing(
    scripted: ScriptedProvider, store: Store, tmp_path: Path
) -> None:
    """A page that a proxy sends to another replica must not go on without its conversation."""
    rig = Rig(scripted, tmp_path)
    nobody = rig.runtime(open_keeper=partial(StoreKeeper, store))
    for begin in (
        lambda: nobody.ask("and then?"),
        lambda: nobody.compare("both", ["chat/echo-small", "messages/echo-small"]),
        lambda: nobody.load(Transcript()),
    ):
        with pytest.raises(LostSession):
            begin()
    assert nobody.select("messages", "echo-small")["event_type"] == "model_update_failed"
    assert nobody.transcript.turns == ()
    assert scripted.requests == []
    nobody.keeper.belong(OWNER)
    await said(nobody, "here I am")
    assert len(store.browse(OWNER, Wanted())) == 1
    await rig.aclose()


async def test_nothing_is_kept_of_an_empty_conversation(store: Store, open_: Open) -> None:
    empty = open_()
    empty.swap("messages", "echo-small")
    await empty.keeper.flush()
    for owner in ("", OWNER, secrets.token_hex(32)):
        assert store.browse(owner, Wanted()) == []
