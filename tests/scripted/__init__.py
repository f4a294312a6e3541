"""A scripted provider: a real HTTP server that speaks three protocols and refuses what real services refuse.

It stands in for the cloud in tests and benchmarks. It imports nothing from `aether`: what it
takes and what it sends is written down here a second time, from the SDKs' own types and from
recorded traffic, so that it can judge.

    reply.py       what to answer, as a value           scripts.py   model id → reply
    request.py     a body as the server understands it  ids.py       ids and signatures that were issued
    chat.py, responses.py, messages.py                  reply → bytes of one protocol
    failures.py    the error bodies of each protocol    strict/      what is refused, and in whose words
    http1.py       sockets, HTTP/1.1                    log.py       what arrived, and how it ended
    server.py      all of it together                   control.py   the same from another process
    play.py        bytes at their times, and the ends   judge.py     the verdict on one request
"""

from tests.scripted.log import Exchange
from tests.scripted.reply import Call, Counts, Reply
from tests.scripted.server import ScriptedProvider

__all__ = ["Call", "Counts", "Exchange", "Reply", "ScriptedProvider"]
