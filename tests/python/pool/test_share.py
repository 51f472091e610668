"""`hasten.share`: sent once, read by all tasks."""

import gc
import pickle
from functools import partial
from typing import Any

import numpy as np
import pytest

import hasten
from tests.python.pool import array_tasks as tasks


def exchange_of(pool: Any) -> Any:
    return pool._crew.exchange


@pytest.mark.parametrize("max_shm", [None, 0])
def test_tasks_get_the_value_as_it_was(max_shm: int | None) -> None:
    array = np.arange(100_000.0)
    handle = hasten.share({"numbers": array, "name": "table"})
    array[:] = 0
    with hasten.Pool(2, max_shm=max_shm) as pool:
        results = pool.starmap(tasks.look_up, [(handle, "numbers", i) for i in range(100)], chunksize=1)
        assert results == list(range(100))
        assert pool.apply(partial(tasks.look_up, handle), ("numbers", 7)) == 7
        assert pool.apply(tasks.look_up, (handle, "name", 0)) == "t"


def test_it_is_sent_once_to_each_pool_and_decoded_once_by_each_worker() -> None:
    array = np.arange(1e6)
    handle = hasten.share(array)
    for _ in range(2):
        with hasten.Pool(2) as pool:
            for _ in range(3):
                addresses = set(pool.map(tasks.address_of, [handle] * 100, chunksize=1))
                assert len(addresses) <= 2
            assert array.nbytes <= exchange_of(pool).bytes_sent < array.nbytes + 1000


def test_arrays_in_it_are_write_protected() -> None:
    handle = hasten.share(np.ones(100_000))
    with hasten.Pool(2) as pool:
        assert pool.apply(tasks.is_writeable, (handle,)) is False
        with pytest.raises(ValueError, match="read-only"):
            pool.apply(tasks.change_first, (handle,))
        assert pool.apply(tasks.total, (handle,)) == 100_000


def test_its_memory_is_used_again_when_the_handle_is_gone() -> None:
    with hasten.Pool(1) as pool:
        for i in range(20):
            handle = hasten.share(np.full(100_000, i))
            assert pool.apply(tasks.total, (handle,)) == 100_000 * i
            assert pool.map(tasks.identity, [[]]) == [[]]
        del handle
        gc.collect()
        assert exchange_of(pool).bytes_used < 6 * 100_000 * 8


def test_elsewhere_it_is_pickled_as_its_value() -> None:
    handle = hasten.share([1, np.arange(5)])
    one, array = pickle.loads(pickle.dumps(handle))
    assert one == 1 and array.tolist() == [0, 1, 2, 3, 4]
