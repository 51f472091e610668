"""`lru_cache` and `cache`: `functools`' contract, an engine of Hasten's own, and keywords that ask for more."""

from hasten._memo.decorators import CacheInfo, cache, lru_cache

__all__ = ["CacheInfo", "cache", "lru_cache"]
