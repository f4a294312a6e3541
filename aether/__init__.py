"""Aether: a notebook chat in which the model can change in the middle of a conversation."""

__version__ = "0.1.0"
