"""The JSON form of a conversation: exact both ways, and told on its page as it is."""

from __future__ import annotations

import json

from hypothesis import given

from aether.transcript import Transcript
from tests.wire.targets import PEERS, Talk
from tests.wire.test_properties import messy
from tests.wire.transcript_page import PAGE, page


def test_the_page_tells_the_form_as_it_is() -> None:
    """Renew it with `python -m tests.wire.transcript_page`."""
    assert PAGE.read_text(encoding="utf-8") == page()


@given(messy())
def test_whatever_happened_goes_to_json_and_back_unchanged(talk: Talk) -> None:
    for peer in PEERS:
        peer.view(talk.transcript)  # what is derived of a step is no part of the form
    text = talk.transcript.to_json()
    read = Transcript.from_dict(json.loads(text))
    assert read == talk.transcript
    assert read.to_json() == text
