"""``hasten run-all``: the lines of a file as commands, so many at a time."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from hasten._programs import Command, CompletedProgram, iter_all

DESCRIPTION = """\
Run each line of standard input, or of a file, as a command of the shell, so many at a time.

The output of each command is shown whole when it has ended. The exit status is the number of
commands that failed, 101 where these are more than 100.
"""
EXAMPLES = """\
examples:
  hasten run-all -j 4 < commands.txt              four at a time
  hasten run-all --joblog log < commands.txt      write down how each ended
  hasten run-all --joblog log --resume < commands.txt
                                                  go on after an interruption: skip what is in the log
  hasten run-all --timeout 60 --retries 2 --halt now,fail=1 commands.txt
"""

_MOST_FAILED = 100
# The joblog of GNU parallel.
_COLUMNS = ("Seq", "Host", "Starttime", "JobRuntime", "Send", "Receive", "Exitval", "Signal", "Command")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "file", nargs="?", default="-", help="a file with a command on each line; standard input if none"
    )
    parser.add_argument("-j", "--jobs", type=int, metavar="N", help="run N at a time; as many as there are processors")
    parser.add_argument("-0", "--null", action="store_true", help="commands end with a null byte, not with a line")
    parser.add_argument("-k", "--keep-order", action="store_true", help="show output in the order of the commands")
    parser.add_argument("-u", "--ungroup", action="store_true", help="pass output on as it comes")
    parser.add_argument("--timeout", type=float, metavar="SECONDS", help="end a command that takes longer")
    parser.add_argument("--retries", type=int, default=0, metavar="N", help="try a command that fails N times more")
    parser.add_argument("--joblog", type=Path, metavar="FILE", help="write down how each command ended")
    parser.add_argument("--resume", action="store_true", help="skip the commands that are in the joblog")
    parser.add_argument("--resume-failed", action="store_true", help="skip those that the joblog says went well")
    parser.add_argument("--halt", type=_halt, default=0, metavar="now,fail=N", help="end all after N failures")
    parser.add_argument("--progress", action="store_true", help="show a progress bar")


def _halt(text: str) -> int:
    when, _, count = text.partition(",fail=")
    if when == "now" and count.isdigit() and int(count) > 0:
        return int(count)
    raise argparse.ArgumentTypeError(f"{text!r} is not like now,fail=1")


class JobLog:
    """A line for each command that ended, in the format of GNU parallel.

    Parameters
    ----------
    path
        The file. What is in it stays where the run is resumed; else it is begun anew.
    is_resumed
        Whether to go on. A last line that is not whole, since the machine went down, is taken away.
    """

    def __init__(self, path: Path, *, is_resumed: bool) -> None:
        self.done: Counter[bytes] = Counter()
        self.succeeded: Counter[bytes] = Counter()
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._fd = os.open(path, flags if is_resumed else flags | os.O_TRUNC, 0o666)
        content = path.read_bytes()
        whole = content.rpartition(b"\n")[0] + b"\n" if b"\n" in content else b""
        os.ftruncate(self._fd, len(whole))
        for line in whole.splitlines()[1:]:
            fields = line.split(b"\t", len(_COLUMNS) - 1)
            if len(fields) == len(_COLUMNS):
                self.done[fields[-1]] += 1
                self.succeeded[fields[-1]] += fields[6:8] == [b"0", b"0"]
        if not whole:
            os.write(self._fd, "\t".join(_COLUMNS).encode() + b"\n")

    def add(self, number: int, result: CompletedProgram, command: bytes, ended_at: float) -> None:
        """Write one line, by one call of the system."""
        code = result.returncode
        start, signal = ended_at - result.wall_time, -code if code < 0 else 0
        times = (f"{start:.3f}", f"{result.wall_time:.3f}")
        figures = (number, ":", *times, 0, len(result.stdout or b""), max(code, 0), signal)
        os.write(self._fd, "\t".join(map(str, figures)).encode() + b"\t" + command.replace(b"\n", b" ") + b"\n")

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)


def execute(options: argparse.Namespace) -> int:
    """Run ``hasten run-all``."""
    if (options.resume or options.resume_failed) and options.joblog is None:
        print("hasten run-all: --resume needs --joblog FILE, which says what is done", file=sys.stderr)
        return 255
    try:
        with ExitStack() as stack:
            source = sys.stdin.buffer if options.file == "-" else stack.enter_context(open(options.file, "rb"))
            log = None
            if options.joblog is not None:
                log = JobLog(options.joblog, is_resumed=options.resume or options.resume_failed)
                stack.callback(log.close)
            return _Session(options, source, log).run()
    except (OSError, ValueError) as error:
        print(f"hasten run-all: {error}", file=sys.stderr)
        return 255
    except KeyboardInterrupt:
        print("hasten run-all: interrupted; everything that ran was ended", file=sys.stderr)
        return 130


class _Session:
    def __init__(self, options: argparse.Namespace, source: IO[bytes], log: JobLog | None) -> None:
        self._options = options
        self._source = source
        self._log = log
        self._numbers: dict[int, int] = {}  # of the commands that run: their places in the input
        self._commands: dict[int, bytes] = {}
        self._held: dict[int, CompletedProgram] = {}  # by --keep-order
        self._next_shown = 0

    def run(self) -> int:
        failed = 0
        results = iter_all(
            self._lines(),
            self._options.jobs,
            timeout=self._options.timeout,
            retries=self._options.retries,
            output="pass" if self._options.ungroup else "capture",
            progress=self._options.progress,
        )
        for result in results:
            failed += result.failed
            self._note(result)
            if 0 < self._options.halt <= failed:
                break
        for index in sorted(self._held):
            self._show(self._held.pop(index))
        return min(failed, _MOST_FAILED + 1)

    def _lines(self) -> Iterator[Command]:
        """Yield the commands that are to run; blank lines and comments are none."""
        done: Counter[bytes] = Counter()
        if self._log is not None:
            done = self._log.succeeded if self._options.resume_failed else self._log.done
        index = 0
        for number, line in enumerate(self._split(), start=1):
            command = line.strip()
            if not command or command.startswith(b"#"):
                continue
            if done[command.replace(b"\n", b" ")] > 0:
                done[command.replace(b"\n", b" ")] -= 1
                continue
            self._numbers[index], self._commands[index] = number, command
            yield Command(command)
            index += 1

    def _split(self) -> Iterator[bytes]:
        if not self._options.null:
            yield from self._source
            return
        yield from self._source.read().split(b"\0")

    def _note(self, result: CompletedProgram) -> None:

        number, command = self._numbers.pop(result.index), self._commands.pop(result.index)
        if self._log is not None:
            self._log.add(number, result, command, time.time())
        if not self._options.keep_order:
            self._show(result)
            return
        self._held[result.index] = result
        while self._next_shown in self._held:
            self._show(self._held.pop(self._next_shown))
            self._next_shown += 1

    def _show(self, result: CompletedProgram) -> None:
        for text, stream in ((result.stdout, sys.stdout), (result.stderr, sys.stderr)):
            stream.flush()
            stream.buffer.write(text or b"")
            stream.buffer.flush()
        if result.error is not None:
            print(f"hasten run-all: {result.error}", file=sys.stderr)
