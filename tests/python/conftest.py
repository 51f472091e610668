"""Makes the helpers in this folder importable from all tests, and gives each run a code cache of its own."""

import os
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
_cache = tempfile.TemporaryDirectory(prefix="hasten-test-cache-")
os.environ["HASTEN_CACHE_DIR"] = _cache.name
