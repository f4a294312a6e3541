"""What older versions wrote is read by this one: databases of every schema, transcripts of every form."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from aether.store.conversations import Store
from aether.store.engine import MIGRATIONS, migrate, open_engine, schemas
from aether.store.listing import Wanted
from aether.store.writing import Moment, Place
from aether.transcript import VERSION, Transcript
from tests.store.samples import everything

OWNER, ID = "d" * 64, "e" * 32
VERSIONS = Path(__file__).parent / "versions"


def revisions() -> list[str]:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]


def test_the_schemas_that_the_files_tell_are_those_that_alembic_finds() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    found = ScriptDirectory.from_config(config)
    assert schemas() == {s.revision: s.down_revision or "" for s in found.walk_revisions()}


@pytest.mark.parametrize("revision", revisions())
def test_a_database_of_every_schema_is_brought_up_to_date(url: str, revision: str) -> None:
    engine = open_engine(url)
    migrate(engine, to=revision)
    engine.dispose()
    store = Store(url)
    store.open()
    store.save(Place(OWNER, ID), Moment(everything(), "m/m"))
    assert store.load(OWNER, ID).transcript == everything()
    store.close()


@pytest.mark.parametrize("file", sorted(VERSIONS.glob("*.db")), ids=lambda p: p.stem)
def test_a_file_that_an_older_version_wrote_is_whole(tmp_path: Path, file: Path) -> None:
    shutil.copy(file, tmp_path / "aether.db")
    store = Store(f"sqlite:///{tmp_path / 'aether.db'}")
    store.open()
    assert store.notice == ""
    kept = store.load(OWNER, ID)
    assert [t.text for t in kept.transcript.turns][1:] == ["and then?", "unanswered"]
    assert kept.transcript.turns[0].answers[0].steps[0].usage.input == 10
    assert [e.id for e in store.browse(OWNER, Wanted("unanswered"))] == [ID]
    going_on = Moment(kept.transcript.with_turn(kept.transcript.turns[1]), "m/m")
    store.save(kept.place, going_on, Moment(kept.transcript, "m/m"))
    assert store.load(OWNER, ID).transcript == going_on.transcript
    store.close()


def test_a_file_of_each_schema_and_a_transcript_of_each_form_are_here() -> None:
    assert {p.stem for p in VERSIONS.glob("*.db")} == set(revisions())
    assert {int(p.stem) for p in VERSIONS.glob("*.json")} == set(range(1, VERSION + 1))


@pytest.mark.parametrize("file", sorted(VERSIONS.glob("*.json")), ids=lambda p: p.stem)
def test_a_transcript_of_every_form_still_loads(file: Path) -> None:
    read = Transcript.from_dict(json.loads(file.read_text()))
    assert read.version == VERSION
    assert read.turns == everything().turns
