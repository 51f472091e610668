"""Hasten as a backend of joblib, and scikit-learn on it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from hasten._pool.errors import WorkerDied
from joblib import Parallel, delayed

import hasten
from tests.python.pool import tasks

SCRIPT = """
import sys
import hasten
assert "joblib" not in sys.modules
import joblib

class Error(Exception):
    pass

class Point:
    def __init__(self, x):
        self.x = x

def move(point):
    if point.x == 3:
        raise Error("three")
    return Point(point.x + 1)

parallel = joblib.Parallel(n_jobs=2, backend="hasten")
points = parallel(joblib.delayed(move)(Point(x)) for x in range(3))
assert all(type(point) is Point for point in points)
print([point.x for point in points])
try:
    parallel([joblib.delayed(move)(Point(3))] * 2)
except Error as error:
    print(error)
"""


@pytest.fixture(autouse=True, scope="module")
def backend() -> Iterator[None]:
    with joblib.parallel_config(backend="hasten", n_jobs=2):
        yield


def fill(array: Any, value: float) -> Any:
    array[0] = value
    return array, array.sum()


def settings(_: int) -> tuple[str, ...]:
    return tuple(os.environ[name] for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"))


def nested(count: int) -> Any:
    return sum(Parallel(n_jobs=2)(delayed(tasks.square)(x) for x in range(count)))


def die(_: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_scripts_need_no_main_guard_and_their_classes_travel(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    shown = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60, check=False)
    assert (shown.stdout.splitlines(), shown.stderr, shown.returncode) == (["[1, 2, 3]", "three"], "", 0)


def test_joblib_that_was_imported_first_has_the_backend() -> None:
    code = "import joblib, hasten; joblib.parallel_config(backend='hasten'); print('good')"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (shown.stdout, shown.stderr) == ("good\n", "")


def test_batches_of_many_short_tasks() -> None:
    offset = 3
    assert Parallel()(delayed(lambda x: x + offset)(x) for x in range(500)) == list(range(3, 503))
    assert Parallel(batch_size=7, n_jobs=-1)(delayed(tasks.square)(x) for x in range(20)) == [x * x for x in range(20)]


@pytest.mark.parametrize("order", ["generator", "generator_unordered"])
def test_results_as_a_generator(order: str) -> None:
    results = Parallel(return_as=order)(delayed(tasks.square)(x) for x in range(20))
    assert iter(results) is results
    assert sorted(results) == [x * x for x in range(20)]


def test_arrays_are_the_tasks_own() -> None:
    array = np.ones(200_000)
    results = Parallel()(delayed(fill)(array, float(x)) for x in range(4))
    assert [total for _, total in results] == [199_999.0 + x for x in range(4)]
    assert [changed[0] for changed, _ in results] == [0.0, 1.0, 2.0, 3.0] and array[0] == 1.0


def test_an_error_ends_the_call_and_the_next_works() -> None:
    workers = set(Parallel(batch_size=1)(delayed(tasks.pid)() for _ in range(8)))
    with pytest.raises(KeyError, match="lost"):
        Parallel()(delayed(tasks.raise_it if x == 5 else tasks.identity)(KeyError("lost")) for x in range(200))
    assert workers.isdisjoint(Parallel()(delayed(tasks.pid)() for _ in range(8)))


def test_workers_stay_for_the_next_call() -> None:
    calls = [set(Parallel(batch_size=1)(delayed(tasks.pid)() for _ in range(8))) for _ in range(3)]
    assert os.getpid() not in set.union(*calls) and len(set.union(*calls)) <= 2


def test_a_death_costs_the_call() -> None:
    with pytest.raises(WorkerDied, match="SIGKILL"):
        Parallel()(delayed(die)(x) for x in range(2))
    assert Parallel()(delayed(abs)(-x) for x in range(4)) == [0, 1, 2, 3]


def test_a_call_may_take_only_so_long() -> None:
    with pytest.raises(multiprocessing.TimeoutError):
        Parallel(timeout=0.1)(delayed(tasks.sleep)(30) for _ in range(2))


def test_parallel_tasks_of_parallel_tasks() -> None:
    assert Parallel()(delayed(nested)(x) for x in range(5)) == [0, 0, 1, 5, 14]


def test_threads_of_libraries_are_capped_in_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    fair = str(max(1, joblib.cpu_count() // 2))
    assert Parallel()(delayed(settings)(x) for x in range(2)) == [(fair, fair)] * 2
    with joblib.parallel_config(backend="hasten", inner_max_num_threads=3):
        assert Parallel(n_jobs=2)(delayed(settings)(x) for x in range(2)) == [("3", "3")] * 2


def test_options_of_the_executor(tmp_path: Path) -> None:
    with joblib.parallel_config(backend="hasten", n_jobs=2, retries=1):
        calls = (delayed(tasks.fail_once)(str(tmp_path), x) for x in range(3))
        assert Parallel(batch_size=1)(calls) == [0, 1, 2]


def test_daemonic_workers_run_it_themselves() -> None:
    with hasten.Pool(1) as pool:
        assert pool.apply(nested, (4,)) == 14


def test_cross_validation() -> None:
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_score

    data, target = load_iris(return_X_y=True)
    model = LogisticRegression(max_iter=500)
    there = cross_val_score(model, data, target, cv=5)
    with joblib.parallel_config(backend="sequential"):
        here = cross_val_score(model, data, target, cv=5)
    assert there.tolist() == here.tolist()


def test_a_grid_search() -> None:
    from sklearn.datasets import load_iris
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import GridSearchCV

    data, target = load_iris(return_X_y=True)
    grid = {"n_estimators": [2, 5], "max_depth": [1, 3]}
    search = GridSearchCV(RandomForestClassifier(random_state=0), grid, cv=3)
    there = search.fit(data, target)
    with joblib.parallel_config(backend="sequential"):
        here = GridSearchCV(RandomForestClassifier(random_state=0), grid, cv=3).fit(data, target)
    assert there.best_params_ == here.best_params_ and there.best_score_ == here.best_score_
