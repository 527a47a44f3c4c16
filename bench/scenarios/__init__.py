"""All scenarios, in the order in which they run."""
from scenarios import (audiences, connecting, fanout, growth, memory, publishing, reconnecting, redis_store)

SCENARIOS = {each.name: each for each in (
    *fanout.SCENARIOS, *memory.SCENARIOS, *connecting.SCENARIOS, *reconnecting.SCENARIOS, *audiences.SCENARIOS,
    *publishing.SCENARIOS, *fanout.STALLED, *redis_store.SCENARIOS, *growth.SCENARIOS)}
USUAL = tuple(name for name in SCENARIOS if name != "growth")
