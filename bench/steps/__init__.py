"""The steps of a run: each measures one kind of work, for every application in turn."""
