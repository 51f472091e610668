"""What the tests of clusters share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.python.clusters.running import MPI_LIBRARIES


@pytest.fixture(params=MPI_LIBRARIES, ids=lambda mpirun: Path(mpirun).name)
def mpirun(request: pytest.FixtureRequest) -> str:
    """Return the mpirun of each MPI library in turn."""
    return str(request.param)
