"""How hard hypothesis tries: a little at a desk; more, and always the same, where CI is set."""

import os

from hypothesis import HealthCheck, settings

# A slow machine is no failure, and neither is an input that takes long to draw.
_calm = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("dev", max_examples=25, stateful_step_count=30, **_calm)
settings.register_profile("ci", max_examples=150, stateful_step_count=50, derandomize=True, **_calm)
settings.load_profile("ci" if os.environ.get("CI", "").lower() in ("1", "true") else "dev")
