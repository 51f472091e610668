"""What `./dev fuzz` sets: the seed, and how many rounds; the ordinary suite runs few, always the same."""

import os

SEED = int(os.environ.get("HASTEN_FUZZ_SEED", "7"))
ROUNDS = int(os.environ.get("HASTEN_FUZZ_ROUNDS", "100"))
