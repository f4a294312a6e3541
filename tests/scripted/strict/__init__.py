"""What the real services refuse, and in whose words: an oracle that is independent of `aether`.

One module a protocol. Each yields the faults of a body in the order in which a service would
find them; the first one is its answer. `rules.py` says who is strict about what.
"""
