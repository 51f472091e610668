"""Tasks that wait, side by side in threads, and results that are remembered."""

import time

import hasten


@hasten.lru_cache(maxsize=None)
def fetch(page: int) -> str:
    time.sleep(0.05)
    return f"page {page}"


start = time.perf_counter()
with hasten.ThreadPoolExecutor(10) as executor:
    pages = list(executor.map(fetch, range(10)))
together = time.perf_counter() - start

start = time.perf_counter()
again = [fetch(page) for page in range(10)]
assert again == pages
print(f"ten pages in {together:.2f} s, and again in {time.perf_counter() - start:.4f} s")
