"""The store, on SQLite and on PostgreSQL: what was saved comes back, to its owner alone."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
import sqlalchemy as sa

from aether.public_view import public_view
from aether.store.conversations import NotFound, Store
from aether.store.finding import MOST_ENDINGS
from aether.store.listing import Wanted
from aether.store.shares import Shares
from aether.store.tables import ANSWERS, CONVERSATIONS, METADATA, STEPS
from aether.store.writing import Conflict, Moment, Place
from aether.transcript import Answer, Transcript
from tests.store.samples import AWKWARD, everything, step, turn

ALICE, BOB = "a" * 64, "b" * 64


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = Store(url)
    opened.open()
    yield opened
    opened.close()


def place(owner: str = ALICE) -> Place:
    return Place(owner, secrets.token_hex(16))


def keep(store: Store, *asked: str, owner: str = ALICE, model: str = "chat/echo-small") -> Place:
    """Save a conversation in which some things were asked and answered."""
    whole = Transcript("", tuple(turn(a, f"answer to {a}") for a in asked))
    return store.save(place(owner), Moment(whole, model))


def counts(store: Store) -> dict[str, int]:
    with store.reading() as connection:
        return {
            name: connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            for name, table in METADATA.tables.items()
        }


def test_a_conversation_comes_back_equal_to_the_last_sign(store: Store) -> None:
    whole = everything()
    saved = store.save(place(), Moment(whole, "messages/think"))
    kept = store.load(ALICE, saved.id)
    assert kept.transcript == whole
    assert kept.transcript.to_json() == whole.to_json()
    assert (kept.model, kept.place, kept.is_held) == ("messages/think", saved, False)


def test_only_what_changed_is_written(store: Store) -> None:
    first = Moment(Transcript("", tuple(turn(f"q{n}", "a" * 1000) for n in range(30))), "m/m")
    saved = store.save(place(), first)
    with store.writing() as connection:  # what is not written again keeps this mark
        connection.execute(sa.update(STEPS).values(reference="mark"))
    grown = Moment(first.transcript.with_turn(turn("new", "words")), "m/m")
    store.save(saved, grown, first)
    with store.reading() as connection:
        marks = connection.execute(sa.select(STEPS.c.reference).where(STEPS.c.turn < 30)).scalars().all()
    assert marks == ["mark"] * 30
    assert store.load(ALICE, saved.id).transcript == grown.transcript


def test_a_growing_answer_is_saved_step_by_step_and_settles(store: Store) -> None:
    begun = Transcript("", (replace(turn("tell me"), answers=(Answer(),)),))
    now = Moment(begun, "m/m", frozenset({(0, 0)}))
    at = store.save(place(), now)
    assert store.load(ALICE, at.id).is_held
    for steps in ((step("once"),), (step("once upon"),), (step("once upon a time"), step("and")), (step("x"),)):
        grown = replace(begun.turns[0], answers=(Answer(steps),))
        before, now = now, Moment(begun.replace_turn(0, grown), "m/m", frozenset({(0, 0)}))
        at = store.save(at, now, before)
        assert store.load(ALICE, at.id).transcript.turns[0].answers[0].steps == steps
    at = store.save(at, Moment(now.transcript, "m/m"), now)  # equal, but no longer open
    kept = store.load(ALICE, at.id)
    assert not kept.is_held
    assert kept.transcript == now.transcript


def test_an_answer_that_was_cut_off_is_marked_interrupted(store: Store) -> None:
    cut = Transcript("", (turn("one", "first"), replace(turn("two"), answers=(Answer((step("half an"),)),))))
    at = store.save(place(), Moment(cut, "m/m", frozenset({(1, 0)})))
    with store.writing() as connection:  # the writer's last sign is long ago
        connection.execute(sa.update(CONVERSATIONS).values(held_until=1.0))
    kept = store.load(ALICE, at.id)
    assert not kept.is_held
    answer = kept.transcript.turns[1].answers[0]
    assert answer.failure is not None
    assert answer.failure.kind == "interrupted"
    assert answer.text == "half an"
    assert kept.transcript.turns[0] == cut.turns[0]
    going_on = kept.transcript.with_turn(turn("continue", "answer"))
    store.save(kept.place, Moment(going_on, "m/m"), Moment(kept.transcript, "m/m"))
    assert store.load(ALICE, at.id).transcript.turns[2] == going_on.turns[2]


def test_a_clock_that_was_put_back_holds_nobody_up(store: Store) -> None:
    cut = Transcript("", (replace(turn("one"), answers=(Answer((step("half"),)),)),))
    at = store.save(place(), Moment(cut, "m/m", frozenset({(0, 0)})))
    with store.writing() as connection:  # the writer's last sign was given an hour from now
        connection.execute(sa.update(CONVERSATIONS).values(held_until=time.time() + 3600))
    assert not store.load(ALICE, at.id).is_held
    assert not store.browse(ALICE, Wanted())[0].is_held


def test_turns_and_answers_that_are_gone_are_gone(store: Store) -> None:
    whole = everything()
    at = store.save(place(), Moment(whole, "m/m"))
    fewer = replace(whole, turns=(replace(whole.turns[0], answers=whole.turns[0].answers[:1], chosen=0),))
    store.save(at, Moment(fewer, "m/m"), Moment(whole, "m/m"))
    assert store.load(ALICE, at.id).transcript == fewer
    with store.reading() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(ANSWERS)).scalar_one() == 1


def test_two_writers_never_mix(store: Store) -> None:
    at = keep(store, "begin")
    one, other = store.load(ALICE, at.id), store.load(ALICE, at.id)
    mine = Moment(one.transcript.with_turn(turn("mine", "yes")), "m/m")
    store.save(one.place, mine, Moment(one.transcript, "m/m"))
    theirs = Moment(other.transcript.with_turn(turn("theirs", "no")), "m/m")
    with pytest.raises(Conflict):
        store.save(other.place, theirs, Moment(other.transcript, "m/m"))
    assert store.load(ALICE, at.id).transcript == mine.transcript
    with pytest.raises(Conflict):
        store.save(replace(at, revision=0), mine)


def test_a_deleted_conversation_is_not_found_and_comes_back_whole(store: Store) -> None:
    at = keep(store, "to be deleted")
    whole = store.load(ALICE, at.id).transcript
    store.change(ALICE, at.id, deleted=True)
    with pytest.raises(NotFound):
        store.load(ALICE, at.id)
    assert store.browse(ALICE, Wanted()) == []
    assert store.browse(ALICE, Wanted("deleted")) == []
    with pytest.raises(Conflict):
        store.save(at, Moment(whole.with_turn(turn("ghost")), "m/m"), Moment(whole, "m/m"))
    store.change(ALICE, at.id, deleted=False)
    assert store.load(ALICE, at.id).transcript == whole


def test_deleted_conversations_are_purged_after_their_time(url: str, store: Store) -> None:
    at, other = keep(store, "old"), keep(store, "kept")
    Shares(store).share(ALICE, at.id)
    store.change(ALICE, at.id, deleted=True)
    with store.writing() as connection:
        connection.execute(sa.update(CONVERSATIONS).where(CONVERSATIONS.c.id == at.id).values(deleted_at=1.0))
    again = Store(url)
    again.open()
    left = counts(again)
    assert [left[name] for name in ("conversations", "turns", "answers", "steps", "texts")] == [1] * 5
    assert left["shares"] == 0
    assert [e.id for e in again.browse(ALICE, Wanted("kept"))] == [other.id]
    again.close()


def test_the_list_goes_by_pages_newest_first_the_pinned_above(store: Store) -> None:
    kept = [keep(store, f"question {n}") for n in range(25)]
    keep(store, "of another", owner=BOB)
    store.change(ALICE, kept[3].id, pinned=True)
    seen: list[str] = []
    after, pages = "", 0
    while page := store.browse(ALICE, Wanted(after=after, limit=10)):
        seen += [entry.id for entry in page]
        after, pages = page[-1].after, pages + 1
    assert seen == [kept[3].id, *(p.id for p in reversed(kept) if p is not kept[3])]
    assert pages == 3


def test_a_title_is_the_first_words_until_a_person_names_it(store: Store) -> None:
    at = store.save(place(), Moment(Transcript("", (turn("  How\n does a rainbow form?  " + "x " * 100),)), "m/m"))
    (entry,) = store.browse(ALICE, Wanted())
    assert entry.title.startswith("How does a rainbow form? x x")
    assert len(entry.title) <= 61
    assert store.change(ALICE, at.id, title="  My\0 \u202erainbow ").title == "My rainbow"
    assert store.change(ALICE, at.id, title=" \0 ").title == "My rainbow"
    assert store.change(ALICE, at.id, title="👩‍👩‍👧 می‌خواهم").title == "👩‍👩‍👧 می‌خواهم"
    assert store.change(ALICE, at.id, title="\u200d\u200c").title == "👩‍👩‍👧 می‌خواهم"
    store.change(ALICE, at.id, title="My rainbow")
    whole = store.load(ALICE, at.id)
    later = Moment(whole.transcript.with_turn(turn("more")), "m/m")
    store.save(whole.place, later, Moment(whole.transcript, "m/m"))
    assert store.browse(ALICE, Wanted())[0].title == "My rainbow"


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("rainbow", True),
        ("RAINB", True),
        ("cafe", True),
        ("Café creme", True),
        ("naïve", True),
        ("rainbow tea", False),
        ("answer rainbow", True),
        ("日本", True),
        ("本日", False),
        ("語の", True),
        ("foo.bar", True),
        ("bar", True),
        ("ainbow", False),
        ('"rainbow', True),
        ("rainbow*", True),
        ("'; DROP TABLE texts; --", False),
        ("NOT rainbow", False),
        ("body:rainbow", False),
        ("()&|!:*<->", False),
        ("\0", False),
        ("", True),
    ],
)
def test_search_finds_words_in_questions_and_answers(store: Store, words: str, *, found: bool) -> None:
    at = keep(store, "How does a rainbow form in a Café crème? naive 日本語の本 foo.bar")
    keep(store, "something else about tea")
    keep(store, "a rainbow of another", owner=BOB)
    ids = [entry.id for entry in store.browse(ALICE, Wanted(words))]
    assert (at.id in ids) == found


def test_a_search_goes_by_pages_too_and_follows_what_changes(store: Store) -> None:
    kept = [keep(store, f"shared word number{n}", "and the word again") for n in range(12)]
    first = store.browse(ALICE, Wanted("word", limit=8))
    rest = store.browse(ALICE, Wanted("word", after=first[-1].after, limit=8))
    assert {e.id for e in first} | {e.id for e in rest} == {p.id for p in kept}
    assert [e.id for e in first] == [p.id for p in reversed(kept[4:])]
    one = store.load(ALICE, kept[0].id)
    changed = one.transcript.replace_turn(0, turn("renamed entirely", "yes"))
    store.save(one.place, Moment(changed, "m/m"), Moment(one.transcript, "m/m"))
    assert store.browse(ALICE, Wanted("number0")) == []
    assert [e.id for e in store.browse(ALICE, Wanted("entirely"))] == [kept[0].id]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("begin", [2, 1, 0]),
        ("begin24", [0]),
        ("beginn", [1]),
        ("beginning", []),
        ("beginner", [1]),
        ("über", [2]),
        ("b", [2, 1, 0]),
        ("u", [2]),
    ],
)
def test_the_beginning_of_a_word_finds_all_words_that_go_on_from_it(store: Store, words: str, found: list[int]) -> None:
    many = " ".join(f"begin{n}" for n in range(MOST_ENDINGS + 50))
    kept = [keep(store, asked) for asked in (many, "a beginner", "Übergang: begin")]
    keep(store, "the beginning of another", owner=BOB)
    assert [entry.id for entry in store.browse(ALICE, Wanted(words))] == [kept[n].id for n in found]


def test_words_of_any_kind_and_length_are_kept_and_searched(store: Store) -> None:
    for text in (AWKWARD, "x" * 1_000_000, "w " * 120_000, "語" * 210_000, "é" * 210_000, "\0" * 1000, "'" * 1000):
        whole = Transcript("", (turn(text, text),))
        at = store.save(place(), Moment(whole, "m/m"))
        assert store.load(ALICE, at.id).transcript == whole
    assert store.browse(ALICE, Wanted("joined"))
    assert store.browse(ALICE, Wanted("x" * 10_000)) is not None


def test_a_snapshot_is_read_by_its_own_id_until_it_is_revoked(store: Store) -> None:
    shares = Shares(store)
    at = keep(store, "to be shared")
    with pytest.raises(NotFound):
        shares.share(BOB, at.id)
    link = shares.share(ALICE, at.id)
    assert link != at.id
    assert len(link) == 32
    snapshot = store.load(ALICE, at.id).transcript
    whole = store.load(ALICE, at.id)
    store.save(whole.place, Moment(snapshot.with_turn(turn("later", "secret")), "m/m"), Moment(snapshot, "m/m"))
    assert shares.read(link).transcript == public_view(snapshot)
    assert store.browse(ALICE, Wanted())[0].share == link
    with pytest.raises(NotFound):
        shares.revoke(BOB, at.id)
    for not_there in (at.id, "", "0" * 32, link[:-1], "%", "' OR 1=1"):
        with pytest.raises(NotFound):
            shares.read(not_there)
    newer = shares.share(ALICE, at.id)
    with pytest.raises(NotFound):
        shares.read(link)
    store.change(ALICE, at.id, deleted=True)
    with pytest.raises(NotFound):
        shares.read(newer)
    store.change(ALICE, at.id, deleted=False)
    shares.revoke(ALICE, at.id)
    with pytest.raises(NotFound):
        shares.read(newer)


INJECTED = ("'; DROP TABLE conversations; --", "' OR '1'='1", '"', "%", "_", "\\", "\0", "", "0" * 32, "x" * 100_000)


@pytest.mark.parametrize("words", INJECTED, ids=range(len(INJECTED)))
def test_sql_text_in_any_field_changes_no_row_of_others(store: Store, words: str) -> None:
    """Threats 19 and 37 (a)."""
    mine = keep(store, "mine", owner=BOB)
    before, whole = counts(store), store.load(BOB, mine.id)
    for attempt in (
        lambda: store.load(words, mine.id),
        lambda: store.load(ALICE, words),
        lambda: store.change(ALICE, words, title=words, deleted=True),
        lambda: store.change(words, mine.id, pinned=True, deleted=True),
        lambda: Shares(store).read(words),
        lambda: Shares(store).revoke(words, mine.id),
    ):
        with pytest.raises(NotFound):
            attempt()
    assert store.browse(words, Wanted()) == []
    assert store.browse(words, Wanted(words)) == []
    assert store.browse(ALICE, Wanted(words, after=words, limit=10**12)) == []
    assert store.browse(ALICE, Wanted("mine", after=words, limit=-1)) == []
    assert counts(store) == before
    assert store.load(BOB, mine.id) == whole
