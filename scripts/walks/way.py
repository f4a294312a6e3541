"""What a walk through the page needs, and what it says on its way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page, expect

from tests.e2e.drive import ask
from tests.scripted import Reply, ScriptedProvider

FIRST = "aurora/aurora-large"
QUESTION = "Why is the sky blue, and what has the age of the sunlight to do with it?"
RICH = """# A heading of the first order

Some *words* with `inline code`, [a link](https://example.org), and a very long one:
Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft/%s.

## A second heading

1. First, the light comes in.
2. Then it is scattered:
   - short waves far,
   - long waves hardly.

> A quotation that runs over more than one line, so that its bar at the left can be seen as a bar and not a dot.

| Colour | Wavelength | Scattered | Where it goes | Remark |
|---|---|---|---|---|
| Blue | 450 nm | strongly | everywhere in the sky, from all directions | the reason of it all |
| Red | 700 nm | hardly | straight on | seen at sunset |

```python
def scattered(wavelength_nm: float, *, reference_nm: float = 550.0) -> float:
    \"\"\"Return how much more than the reference a wave is scattered; this line is longer than a screen is wide.\"\"\"
    return (reference_nm / wavelength_nm) ** 4  # Rayleigh
```

### A third

לשמיים צבע כחול כי האוויר מפזר גלים קצרים. السماء زرقاء لأن الهواء يشتت الموجات القصيرة.

---

That is all.""" % ("unbreakable" * 14)


@dataclass(frozen=True, kw_only=True)
class Way:
    """What a walk needs: the page, where it is, the provider that answers, and what takes a picture."""

    page: Page
    url: str
    provider: ScriptedProvider
    keep: Callable[[str], None]
    is_phone: bool

    def enter(self, path: str = "") -> Page:
        """Open the page and wait till it is ready."""
        self.page.goto(self.url + path)
        expect(self.page.locator("#active-model")).to_have_text(FIRST)
        return self.page

    def answers(self, *replies: Reply, model: str = "aurora-large") -> None:
        """Script the next answers of a model."""
        self.provider.script(model, list(replies))

    def ask(self, message: str) -> None:
        """Send a message and wait till it is answered."""
        ask(self.page, message)
        self.rest()

    def rest(self) -> None:
        """Wait till no answer is being written."""
        expect(self.page.locator("body.busy")).to_have_count(0)
