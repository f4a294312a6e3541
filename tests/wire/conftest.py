"""Profiles of the property tests: `quick` as a rule, `pytest tests/wire --hypothesis-profile=nightly` for long."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

SLOW_IS_FINE = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example)
settings.register_profile("quick", max_examples=60, deadline=None, suppress_health_check=SLOW_IS_FINE)
settings.register_profile("nightly", max_examples=2500, deadline=None, suppress_health_check=SLOW_IS_FINE)
settings.load_profile("quick")
