"""The measured table: `python -m bench`. The method is in `bench/README.md`."""
