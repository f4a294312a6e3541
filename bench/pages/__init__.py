"""The same work on the pages of other projects: `python -m bench.pages`."""
