"""The tests of Aether. A package, so that `python -m tests.scripted_provider` runs from a clone."""
