"""Texts that were made to take long: a reader of Markdown would be busy for seconds. Pure.

While one text is rendered nobody else is served, so such a text is shown as it stands.
"""

from __future__ import annotations

import re

MOST_MARKS = 1_500
"""Marks of emphasis and links in one paragraph: the time that they take grows with their square."""
MOST_MARKS_IN_ALL = 10_000
"""Marks of one text outside of code; the longest page of `docs/` has 1,800."""
LONGEST = 200_000
"""Characters of one text that are read as Markdown."""
_FENCED = re.compile(r"^ {0,3}(`{3,}|~{3,}).*?(?:^ {0,3}\1|\Z)", re.MULTILINE | re.DOTALL)
_BETWEEN = re.compile(r"\n(?=[ \t]*(?:[-*+#>|]|\d{1,9}[.)])[ \t])|\n[ \t]*\n")
_MARKS = re.compile(r"[\[\]*_~]")
_ANY_MARK = re.compile(r"[\[\]*_~|$`]")


def is_tangled(markdown: str) -> bool:
    """Tell whether a text is too long, or holds more marks than a person would write, in a paragraph or in all."""
    if not MOST_MARKS < len(markdown) <= LONGEST:
        return len(markdown) > LONGEST
    told = _FENCED.sub("", markdown)
    if len(told) > MOST_MARKS_IN_ALL and len(_ANY_MARK.findall(told)) > MOST_MARKS_IN_ALL:
        return True
    paragraphs = _BETWEEN.split(told)
    return any(len(p) > MOST_MARKS and len(_MARKS.findall(p)) > MOST_MARKS for p in paragraphs)
