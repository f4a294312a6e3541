"""The bounds of all that is handed in, each with its unit in the name. Constants only.

A door asks for its bound before it looks at what came: a route, a named endpoint, an upload, an
import, a list that a service sends. What is over a bound is refused in a plain sentence, or cut
with a note that is shown.
"""

from __future__ import annotations

# Names

ID_CHARS = 200
"""A model, a provider, a call, an account, a digest: what names something and is never prose."""
CALL_CHARS = 2_000
"""The id and the name of a call of a tool, as a service gave them."""
NAME_CHARS = 120
"""The name of a file that is taken in."""
TITLE_CHARS = 2_000
"""A title as it is sent; what is kept of it is far shorter."""
SEARCH_CHARS = 400
ADDRESS_CHARS = 2_000

# What is said

MESSAGE_CHARS = 5_000_000
"""One text: more than any model takes."""
SYSTEM_CHARS = 400_000
NOTE_CHARS = 20_000
"""A note of a step, and what is said of a failure."""
FILE_TEXT_CHARS = 400_000
"""What models are shown of a document."""
ARGUMENTS_CHARS = 1_000_000
"""The arguments of one call of a tool, as a model wrote them."""
NATIVE_VALUES = 20_000
"""Values in the blocks of one step that only its service can read."""
NATIVE_CHARS = 2_000_000
"""Characters of their texts."""
JSON_LEVELS = 100
"""Levels of objects and lists inside each other."""

# The conversation

TURNS = 5_000
"""Turns of all ways of a conversation together."""
ANSWERS_PER_TURN = 100
ANSWERS = 20_000
"""Answers of a whole conversation."""
STEPS_PER_ANSWER = 200
STEPS = 20_000
"""Steps of a whole conversation."""
PARTS_PER_STEP = 500
"""Parts, results of tools, native blocks or notes of one step; parts of a prompt, and of a result."""
CALLS_PER_STEP = 200
"""Calls of tools that one reply of a service may ask for."""
NOTES = 2_000
"""Notes of a whole conversation."""
PARTS = 60_000
"""Parts of a whole conversation."""
BRANCHES = 100
CUTS_PER_WAY = 100

# Figures

COUNT = 10**12
"""Tokens, bytes, pixels, milliseconds: what is larger, negative or no number is no figure."""
COST_USD = 1e6
TIME_S = 4e9
"""Seconds since the epoch: about the year 2096."""

# Files

FILE_BYTES = 10_000_000
"""One file: handed in, imported, or carried in an import."""
FILES_PER_MESSAGE = 8
FILES_PER_UPLOAD = 16
"""Files of one request that uploads."""
UPLOADS_PER_HOUR = 300
"""Requests of a visitor of a shared link that upload."""
BLOBS = 500
"""Pictures and files that a conversation names."""
OWN_BLOBS_PER_IMPORT = 50
"""Of them those that an import names without carrying them, and that its visitor has already."""
UNPACKED_BYTES = 20_000_000
"""The conversations inside a ZIP."""
ZIP_ENTRIES = 20_000
CONVERSATIONS_PER_IMPORT = 5_000
PIXELS = 50_000_000
"""Width times height of a picture: some 200 MB where it is decoded."""
WHOLE_PIXELS = 12_000_000
"""A picture that is kept in its whole size, beside the one that is sent."""
PICTURE_BYTES = 3_700_000
"""The picture that is sent: 5 MB in base64, the tightest limit known (claude-code#10612)."""
PICTURE_EDGE_PIXELS = 1568
"""Larger pictures are scaled down by the services anyway (Anthropic's vision guide)."""
PDF_PAGES = 200
"""Pages whose text is read; more are counted."""

# What a reader of untrusted bytes may take

IMPORT_CPU_S = 20.0
PICTURE_CPU_S = 10.0
PDF_CPU_S = 20.0
READER_MEMORY_BYTES = 450_000_000

# What services send

LIST_BYTES = 10_000_000
"""A live list of models, unpacked."""
LIST_MODELS = 2_000
"""Entries of one that are read; OpenRouter's has some four hundred."""
ERROR_BYTES = 64_000
"""The body of a refusal, as it comes over the wire."""
