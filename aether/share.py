"""What an operator sets for a link that others use: tokens, caps, limits. Pure: it is given the settings' texts.

A bad value raises SettingError with a sentence that names the setting.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from aether.errors import SettingError
from aether.secret import Secret
from aether.usage import Price

SHORTEST_TOKEN = 16
"""Characters of a token. At a thousand guesses a second, 16 random letters and digits take 10^17 years."""
FEWEST_SIGNS, LEAST_UNKNOWN = 8, 12
"""Different characters of a token, and characters that are neither a known word nor a repetition."""
KNOWN_WORDS = re.compile(
    r"passwor[dt]|passw|secret|token|aether|admin|operator|changeme|change|letmein|qwert[yz]|welcome|example"
    r"|default|share|link|test|demo|user|your|here|please|public|private|hello|love|iloveyou",
    re.IGNORECASE,
)
MAKE_A_TOKEN = 'python3 -c "import secrets; print(secrets.token_urlsafe(24))"'

Get = Callable[[str], str | None]


@dataclass(frozen=True, kw_only=True)
class Share:
    """The settings of a shared link; without a token, others are not let in at all.

    Money in USD, None: no cap. `visitor_turns` 0: no cap. `unknown_price` stands in for a
    model whose price nobody knows; without it such a model is refused on a shared link.
    `visitor_rate`: messages a minute; `visitor_upload_mb`: megabytes an hour. `visitor_disk_mb` and
    `disk_mb`: megabytes that one visitor and all may keep. `keep_days`: days that a conversation is kept
    which nobody goes on with; 0: for good.
    `public_url` is the address under which visitors reach the link, where it is not the one
    that the server listens on.
    """

    token: Secret | None = None
    operator_token: Secret | None = None
    budget_usd: float | None = None
    day_budget_usd: float | None = None
    visitor_budget_usd: float | None = None
    turn_budget_usd: float | None = None
    visitor_turns: int = 0
    unknown_price: Price | None = None
    public_url: str = ""
    redis_url: str = ""
    answer_tokens: int = 4096
    turn_s: float = 600.0
    turns_at_once: int = 32
    turns_waiting: int = 64
    visitor_turns_at_once: int = 4
    visitor_rate: int = 20
    visitor_upload_mb: int = 100
    visitor_disk_mb: int = 200
    disk_mb: int = 5000
    keep_days: int = 0
    own_keys: bool = True

    @property
    def on(self) -> bool:
        """Tell whether others are let in: with a token, and only with it."""
        return self.token is not None

    @property
    def capped(self) -> bool:
        """Tell whether anything is counted."""
        caps = (self.budget_usd, self.day_budget_usd, self.visitor_budget_usd, self.turn_budget_usd)
        return bool(self.visitor_turns) or any(cap is not None for cap in caps)

    @classmethod
    def read(cls, get: Get) -> Share:
        """Return the settings whose texts `get` gives."""
        token, operator_token = _token("AETHER_SHARE_TOKEN", get), _token("AETHER_OPERATOR_TOKEN", get)
        if token is not None and token == operator_token:
            raise SettingError("AETHER_OPERATOR_TOKEN must differ from AETHER_SHARE_TOKEN, which visitors have.")
        return cls(
            token=token,
            operator_token=operator_token,
            budget_usd=_money("AETHER_BUDGET_USD", get),
            day_budget_usd=_money("AETHER_DAY_BUDGET_USD", get),
            visitor_budget_usd=_money("AETHER_VISITOR_BUDGET_USD", get),
            turn_budget_usd=_money("AETHER_TURN_BUDGET_USD", get),
            visitor_turns=_count("AETHER_VISITOR_TURNS", get, 0, least=0),
            unknown_price=_price("AETHER_UNKNOWN_PRICE", get),
            public_url=_url("AETHER_PUBLIC_URL", get),
            redis_url=_redis("AETHER_REDIS_URL", get),
            answer_tokens=_count("AETHER_ANSWER_TOKENS", get, 4096),
            turn_s=float(_count("AETHER_TURN_SECONDS", get, 600)),
            turns_at_once=_count("AETHER_TURNS_AT_ONCE", get, 32),
            turns_waiting=_count("AETHER_TURNS_WAITING", get, 64, least=0),
            visitor_turns_at_once=_count("AETHER_VISITOR_TURNS_AT_ONCE", get, 4),
            visitor_rate=_count("AETHER_VISITOR_RATE", get, 20),
            visitor_upload_mb=_count("AETHER_VISITOR_UPLOAD_MB", get, 100),
            visitor_disk_mb=_count("AETHER_VISITOR_DISK_MB", get, 200),
            disk_mb=_count("AETHER_DISK_MB", get, 5000),
            keep_days=_count("AETHER_KEEP_DAYS", get, 0, least=0),
            own_keys=switch("AETHER_OWN_KEYS", get),
        )


def _token(name: str, get: Get) -> Secret | None:
    value = get(name)
    if not value:
        return None
    if not re.fullmatch(r"[A-Za-z0-9._~-]+", value):
        raise SettingError(f"{name} may hold letters, digits and . _ ~ - only, because it stands in a link.")
    if not _is_hard_to_guess(value):
        raise SettingError(
            f"{name} is too easy to guess: it needs {SHORTEST_TOKEN} characters or more, of no known word and no "
            f"repetition. This makes one: {MAKE_A_TOKEN}"
        )
    return Secret(value)


def _is_hard_to_guess(token: str) -> bool:
    """Return whether a token is long, and holds enough that is neither a known word nor a repetition."""
    rest = KNOWN_WORDS.sub("", token)
    once = next((rest[:n] for n in range(1, len(rest)) if rest == (rest[:n] * len(rest))[: len(rest)]), rest)
    return len(token) >= SHORTEST_TOKEN and len(once) >= LEAST_UNKNOWN and len(set(once)) >= FEWEST_SIGNS


def _money(name: str, get: Get) -> float | None:
    value = get(name)
    if not value:
        return None
    amount = _number(value)
    if amount is None or not 0 <= amount <= 1_000_000:
        raise SettingError(f"{name} must be an amount in USD, such as 5 or 0.50, not {value}.")
    return amount


def _price(name: str, get: Get) -> Price | None:
    value = get(name)
    if not value:
        return None
    rates = [_number(part) for part in value.split(",")]
    if len(rates) != 2 or rates[0] is None or rates[1] is None or min(rates[0], rates[1]) < 0:
        raise SettingError(
            f"{name} must be the price of a million tokens in and out in USD, such as 5,25, not {value}."
        )
    return Price(rates[0], rates[1])


def _count(name: str, get: Get, default: int, *, least: int = 1) -> int:
    value = get(name)
    if not value:
        return default
    if not re.fullmatch(r"[0-9]{1,7}", value) or int(value) < least:
        raise SettingError(f"{name} must be a whole number from {least}, not {value}.")
    return int(value)


def _number(value: str) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _url(name: str, get: Get) -> str:
    value = (get(name) or "").rstrip("/")
    parts = _parted(value)
    if value and (parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc or parts.path):
        raise SettingError(f"{name} must be an address such as https://chat.example.org, not {value}.")
    return value


def _parted(value: str) -> SplitResult:
    try:
        return urlsplit(value)
    except ValueError:  # a bracket that is not closed
        return urlsplit("")


def _redis(name: str, get: Get) -> str:
    value = get(name) or ""
    if value and _parted(value).scheme not in ("redis", "rediss"):
        raise SettingError(f"{name} must begin with redis:// or rediss://.")
    return value


def switch(name: str, get: Get) -> bool:
    """Return a setting that is 1 where it is left out; raise SettingError for what is neither yes nor no."""
    match (get(name) or "1").lower():
        case "1" | "true" | "yes" | "on":
            return True
        case "0" | "false" | "no" | "off":
            return False
        case value:
            raise SettingError(f"{name} must be 1 or 0, not {value}.")
