"""The server's secret: one for all processes of a database, and signatures that fit one purpose alone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from aether.signing import ServerSecret
from aether.store.conversations import Store, StoreError


def test_processes_that_open_a_database_at_once_share_one_secret(url: str) -> None:
    stores = [Store(url) for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(Store.open, stores))
    assert len({store.secret.sign("visitor", "a") for store in stores}) == 1
    assert all(store.secret.is_shared for store in stores)
    for store in stores:
        store.close()


def test_the_secret_stays_when_the_process_ends(url: str) -> None:
    first, second = Store(url), Store(url)
    first.open()
    signature = first.secret.sign("visitor", "a")
    first.close()
    second.open()
    assert second.secret.verify("visitor", "a", signature)
    second.close()


def test_a_secret_of_the_process_stands_in_until_the_database_answers(tmp_path: Path) -> None:
    folder = tmp_path / "in the way"
    folder.write_text("a file where the folder would be")
    store = Store(f"sqlite:///{folder / 'aether.db'}")
    with pytest.raises(StoreError):
        store.open()
    before = store.secret.sign("visitor", "a")
    assert store.secret.verify("visitor", "a", before)
    assert not store.secret.is_shared
    folder.unlink()
    store.check()  # whatever comes next opens it
    assert store.secret.is_shared
    assert not store.secret.verify("visitor", "a", before)
    store.close()


def test_the_secret_is_in_no_representation(migrated: str) -> None:
    store = Store(migrated)
    store.open()
    with store.reading() as connection:
        value = bytes(connection.execute(sa.text("SELECT value FROM server_secrets")).scalar_one())
    assert repr(store.secret) == "***"
    assert value.hex() not in repr(vars(store))
    with pytest.raises(ValueError, match="short"):
        store.secret.use(b"")
    store.close()


@given(st.text(max_size=9), st.text(max_size=9), st.text(max_size=9), st.text(max_size=9))
def test_a_signature_is_valid_for_its_purpose_and_its_data_alone(p: str, d: str, q: str, e: str) -> None:
    secret = ServerSecret()
    signature = secret.sign(p, d)
    assert secret.verify(q, e, signature) == ((p, d) == (q, e))
    assert not ServerSecret().verify(p, d, signature)
    assert not secret.verify(p, d, d)
