"""Runs programs under MPI, and clusters of Dask, as users do."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

BIN = Path(sys.executable).parent
# The mpirun of each MPI library that is here, and what makes mpi4py choose that library.
MPI_LIBRARIES: dict[str, dict[str, str]] = {str(BIN / "mpirun"): {}}
_OPEN_MPI = shutil.which("mpirun.openmpi")
if _OPEN_MPI is not None and (BIN / "mpirun").exists():
    MPI_LIBRARIES = {str(BIN / "mpirun"): {}, _OPEN_MPI: {"MPI4PY_MPIABI": "openmpi"}}
# Open MPI refuses root and more ranks than cores without these; MPICH ignores them.
_MPI = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
}

# Set by an initializer or by tasks, and read by tasks, in each worker; OPTIONS are the pool's.
GLOBALS = """
import os

import hasten

scale = 1
calls = 0


def load(name):
    global model
    model = Model(name)


class Model:
    def __init__(self, name):
        self.name = name

    def predict(self, x):
        return self.name, calls


def predict(x):
    global calls
    calls += 1
    name, seen = model.predict(x)
    return name, x * scale, seen


def own_calls(_):
    return os.getpid(), calls


def remember(x):
    global cached
    try:
        cached
    except NameError:
        cached = x
    return os.getpid(), cached


with hasten.Pool(initializer=load, initargs=("net",), OPTIONS) as pool:
    predictions = pool.map(predict, range(8), chunksize=1)
    assert [found[:2] for found in predictions] == [("net", x) for x in range(8)]
    assert sum(dict(pool.map(own_calls, range(40), chunksize=1)).values()) <= 8
    assert max(found[2] for found in predictions) >= 8 // pool._worker_count()
    scale, calls = 10, 1000
    assert pool.apply(predict, (2,))[:2] == ("net", 20), "what no worker has set is as it is here"
    assert pool.apply(predict, (2,))[2] < 1000, "what a worker has set stays as it set it"
    assert len(set(pool.map(remember, range(40), chunksize=1))) <= pool._worker_count()
    assert pool.map(lambda x: model.predict(x)[0], [1, 2]) == ["net", "net"]
    assert pool.apply(lambda f, x: f(x), (predict, 3))[0] == "net", "functions among the arguments, too"
with hasten.Pool(OPTIONS) as pool:
    try:
        pool.apply(predict, (1,))
    except NameError as error:
        assert "model" in str(error), error
    else:
        raise AssertionError("a pool has what another one's initializer set")
print("done")
"""


def run_ranks(
    mpirun: str, ranks: int, script: Path, source: str, timeout: float = 60
) -> subprocess.CompletedProcess[str]:
    """Run a program as ranks of MPI by `hasten run`; as one process without mpirun where `ranks` is 0."""
    script.write_text(source)
    command = [str(BIN / "hasten"), "run", str(script)]
    if ranks:
        command = [mpirun, "-n", str(ranks), *command]
    environment = {**os.environ, **_MPI, **MPI_LIBRARIES[mpirun]}
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, env=environment, check=False)


class Cluster:
    """A Dask scheduler and workers, each a process of its own with an address of its own."""

    def __init__(
        self, folder: Path, prefixes: list[list[str]], hosts: list[str], threads: int = 1, **environment: str
    ) -> None:
        self._environment = environment
        self._prefixes, self._hosts = prefixes, hosts
        self._file = folder / "scheduler.json"
        self.processes = [self._start(0, "scheduler", "--scheduler-file", str(self._file), "--port", "0")]
        self.address = str(self._await_address())
        for host in range(1, len(hosts)):
            self.processes.append(self._start(host, "worker", self.address, "--nthreads", str(threads), "--no-nanny"))

    def _start(self, host: int, what: str, *arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "distributed.cli.dask_" + what, *arguments]
        command += ["--host", self._hosts[host], "--no-dashboard"]
        return subprocess.Popen(
            [*self._prefixes[host], *command],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3]), **self._environment},  # the tests' modules
        )

    def _await_address(self) -> object:
        end = time.monotonic() + 30
        while time.monotonic() < end:
            with contextlib.suppress(OSError, json.JSONDecodeError):
                return json.loads(self._file.read_text())["address"]
            assert self.processes[0].poll() is None
            time.sleep(0.02)
        raise TimeoutError("the scheduler did not start")

    def close(self) -> None:
        """Kill all that runs."""
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.wait()


@contextlib.contextmanager
def loopback_cluster(folder: Path, workers: int, threads: int = 1, **environment: str) -> Iterator[Cluster]:
    """Start a cluster whose processes are bound to loopback addresses of their own."""
    hosts = [f"127.0.0.{number + 11}" for number in range(workers + 1)]
    cluster = Cluster(folder, [[]] * (workers + 1), hosts, threads, **environment)
    try:
        yield cluster
    finally:
        cluster.close()


@contextlib.contextmanager
def namespace_cluster(folder: Path, workers: int) -> Iterator[Cluster]:
    """Start a cluster whose workers are in network namespaces of their own, each a host on a virtual network.

    Where no namespace can be made, the hosts are loopback addresses instead.
    """
    names = [f"hasten-{os.getpid()}-{number}" for number in range(1, workers + 1)]
    bridge = f"hst{os.getpid() % 100_000}"
    try:
        _make_network(bridge, names)
    except (OSError, subprocess.CalledProcessError):
        _remove_network(bridge, names)
        with loopback_cluster(folder, workers) as cluster:
            yield cluster
        return
    prefixes: list[list[str]] = [[], *(["ip", "netns", "exec", name] for name in names)]
    try:
        cluster = Cluster(folder, prefixes, [f"{_NETWORK}.{number + 1}" for number in range(workers + 1)])
        try:
            yield cluster
        finally:
            cluster.close()
    finally:
        _remove_network(bridge, names)


_NETWORK = "10.213.77"


def _make_network(bridge: str, names: list[str]) -> None:
    _ip(f"link add {bridge} type bridge")
    _ip(f"addr add {_NETWORK}.1/24 dev {bridge}")
    _ip(f"link set {bridge} up")
    for number, name in enumerate(names):
        inner, outer = f"{bridge}i{number}", f"{bridge}o{number}"
        _ip(f"netns add {name}")
        _ip(f"link add {inner} type veth peer name {outer}")
        _ip(f"link set {outer} master {bridge} up")
        _ip(f"link set {inner} netns {name}")
        _ip(f"-n {name} addr add {_NETWORK}.{number + 2}/24 dev {inner}")
        _ip(f"-n {name} link set {inner} up")
        _ip(f"-n {name} link set lo up")


def _remove_network(bridge: str, names: list[str]) -> None:
    for name in names:
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            _ip(f"netns del {name}")
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        _ip(f"link del {bridge}")


def _ip(arguments: str) -> None:
    subprocess.run(["ip", *arguments.split()], check=True, capture_output=True)
