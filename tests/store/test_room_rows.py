"""What rows name: of a damaged one all that it may refer to, of a snapshot what it shows."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from aether.store.conversations import Store
from aether.store.room import Room, _blobs_in  # pyright: ignore[reportPrivateUsage]
from aether.store.shares import Shares
from aether.store.tables import REFERENCES, SHARES
from aether.store.writing import Moment, Place
from aether.transcript import Blob, Branch, Image, Transcript, Turn

DIGEST = "a" * 64
DAMAGED = [f'{{"sha256":"{DIGEST}"}}', f'{{"sha256": "{DIGEST}", "cut', "[" * 100_000 + f'"sha256":"{DIGEST}"']


@pytest.mark.parametrize("text", DAMAGED, ids=["whole", "cut off", "too deep"])
def test_a_damaged_row_still_names_its_bytes(text: str) -> None:
    assert [blob.sha256 for blob in _blobs_in(text)] == [DIGEST]


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = Store(url)
    opened.open()
    yield opened
    opened.close()


def picture(digest: str) -> Turn:
    return Turn((Image(Blob(digest * 64, "image/png"), Blob("f" * 64, "image/png")),), (), at=1.5)


@pytest.mark.parametrize("is_older", [False, True])
def test_a_snapshot_opens_the_pictures_that_it_shows_alone(store: Store, is_older: bool) -> None:
    owner, stranger, room, shares = "a" * 64, "b" * 64, Room(store), Shares(store)
    talk = Transcript("", (picture("d"),), branches=(Branch(0, (picture("e"),)),))
    place = store.save(Place(owner, secrets.token_hex(16)), Moment(talk, "chat/echo-small"))
    share = shares.share(owner, place.id)
    if is_older:  # as a version wrote it that stored the conversation whole, and counted nothing
        with store.writing() as connection:
            connection.execute(sa.delete(REFERENCES).where(REFERENCES.c.holder == share))
            connection.execute(sa.update(SHARES).values(body=talk.to_json(), bytes=None))
        assert room.count_next()
    assert [room.may_see(stranger, digest * 64) for digest in "def"] == [True, False, False]
    assert [room.may_see(owner, digest * 64) for digest in "def"] == [True, True, True]
