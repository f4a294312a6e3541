"""The cases that tell libraries apart: one history, three builders of a request, one judge."""
