"""Which model answers a session, and whose key pays for it.

The visitor who asks is looked up once, where what they ask for comes in (`_own`); from there on their keys are a
value that goes with it to its end. A session's binding is renewed before each request: it takes up a key that was
handed over, and refuses to go on with another where one is gone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress

from aether.errors import MissingKey, NotReady, ProviderError
from aether.fitting import Fitting
from aether.guard import Who
from aether.keyring import NO_OWN_KEYS, OwnKeys
from aether.llm import LLM
from aether.router import ProviderRouter
from aether.transcript import Transcript

log = logging.getLogger("aether")


def no_own_keys(_: Who) -> OwnKeys:
    """Return the keys of somebody who has none."""
    return NO_OWN_KEYS


class ModelBinding(Fitting):
    """Hold a session's one model."""

    def __init__(
        self,
        transcript: Transcript,
        router: ProviderRouter,
        identify: Callable[[], Who],
        own_keys: Callable[[Who], OwnKeys],
    ) -> None:
        super().__init__(transcript)
        self._router, self._identify, self._own_keys = router, identify, own_keys
        self.llm: LLM | None = None

    def _own(self) -> OwnKeys:
        """Return the keys of the visitor who asks now, as a value: it goes with what is asked for to its end."""
        return self._own_keys(self._identify())

    def _resolve(self, reference: str) -> LLM:
        return self._router.resolve(reference, self._own())

    def _rebind(self) -> None:
        """Take up the key that pays now; raise KeyGone where the visitor's own is not here any more."""
        with suppress(MissingKey):  # said in the turn itself, which keeps the message
            self.llm = self._router.fresh(self.llm, self._own()) if self.llm else None

    def _next(self, other: LLM | None, own: OwnKeys) -> LLM:
        """Return the model for the next request: the one truth, or the one named for this answer alone."""
        if other is not None:  # with what was learnt of it since
            return self._router.resolve(other.reference, own)
        if self.llm is None:
            raise NotReady("No model is chosen yet.")
        self.llm = self._router.fresh(self.llm, own)
        return self.llm

    def _accept(self, own: OwnKeys, llm: LLM, tokens: int) -> None:
        """Take note that a service has answered: of the visitor's key, and of how much the model has read."""
        self._router.accept(llm, tokens)
        if llm.own_key:
            own.accept()

    def _learn(self, llm: LLM, error: ProviderError) -> None:
        """Keep what an error told about the model, for all who ask with the same key; the binding takes it up."""
        if error.learnt:
            log.info("Learnt of %s: %s", llm.reference, error.learnt)
            fresh = self._router.learn(llm, error.learnt)
            if self.llm is llm:
                self.llm = fresh
