"""What the page loads of ours."""

from __future__ import annotations

import re
from pathlib import Path

from aether.ui import bundle

HERE = Path(bundle.__file__).parent


def test_all_scripts_and_all_styles_come_as_one_each() -> None:
    assert re.findall(r'(?:src|href)="ui/([\w.]+)', bundle.head()) == ["words.js", "style.css", "page.js"]
    for name, data in bundle.BUNDLES.items():
        files = sorted(HERE.glob(f"*{Path(name).suffix}"))
        assert len(files) > 10
        assert all(data.count(file.read_bytes()) == 1 for file in files)


def test_what_others_build_on_comes_first() -> None:
    assert bundle.BUNDLES["page.js"].startswith((HERE / "say.js").read_bytes())
    assert bundle.BUNDLES["style.css"].startswith((HERE / "tokens.css").read_bytes())
