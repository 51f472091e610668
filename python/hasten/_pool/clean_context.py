"""A start method for workers that need nothing of the program's main module, with an environment of their own.

New interpreters, as by spawn, but the main module is not imported in them: scripts need no main guard, and what is
defined in them goes by value. The environment is set before anything is imported that may read it.
"""

import io
import os
from multiprocessing import context, popen_spawn_posix, process, reduction, resource_tracker, spawn, util
from typing import Any


class CleanContext(context.SpawnContext):
    """Makes processes of new interpreters.

    Parameters
    ----------
    environment
        Variables that the processes have beside those of this one.
    """

    def __init__(self, environment: dict[str, str]) -> None:
        super().__init__()
        self.environment = environment

    def Process(self, *args: Any, **keywords: Any) -> process.BaseProcess:  # type: ignore[override]
        """Return a process that isn't started."""
        return _CleanProcess(self.environment, *args, **keywords)


class _CleanProcess(context.SpawnProcess):
    def __init__(self, environment: dict[str, str], *args: Any, **keywords: Any) -> None:
        super().__init__(*args, **keywords)
        self.environment = _Environment(environment)

    @staticmethod
    def _Popen(process_obj: Any) -> Any:
        return _Popen(process_obj)


class _Environment(dict[str, str]):
    """Variables that are set where they are unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return exec, (f"import os; os.environ.update({dict(self)!r})",)


class _Popen(popen_spawn_posix.Popen):
    _fds: list[int]  # what the process inherits

    def _launch(self, process_obj: _CleanProcess) -> None:
        preparation = spawn.get_preparation_data(process_obj.name)
        for main in ("init_main_from_name", "init_main_from_path"):
            preparation.pop(main, None)
        start = io.BytesIO()
        context.set_spawning_popen(self)
        try:
            reduction.dump({"environment": process_obj.environment, **preparation}, start)
            reduction.dump(process_obj, start)
        finally:
            context.set_spawning_popen(None)
        self._start(start.getbuffer())

    def _start(self, what_to_run: memoryview) -> None:
        tracker = resource_tracker.getfd()
        here_in, there_out = os.pipe()
        there_in, here_out = os.pipe()
        try:
            command = spawn.get_command_line(tracker_fd=tracker, pipe_handle=there_in)
            descriptors = [*self._fds, tracker, there_in, there_out]
            self.pid = util.spawnv_passfds(spawn.get_executable(), command, descriptors)  # type: ignore[arg-type]
            self.sentinel = here_in
            with open(here_out, "wb", closefd=False) as pipe:
                pipe.write(what_to_run)
        finally:
            self.finalizer = util.Finalize(self, util.close_fds, (here_in, here_out))  # type: ignore[attr-defined]
            os.close(there_in)
            os.close(there_out)
