"""A signal that doesn't wake the thread that waits: it came just before the thread slept, or another thread took it."""

import contextlib
import os
import signal
import subprocess
import sys
import textwrap

import pytest

WAITS = {
    "queue": "hasten.queue.Queue().get()",
    "queue with a time-out": "hasten.queue.Queue().get(timeout=600)",
    "full queue": "queue = hasten.queue.Queue(1)\nqueue.put(1)\nqueue.put(2)",
    "unfinished queue": "queue = hasten.queue.Queue()\nqueue.put(1)\nqueue.join()",
    "channel": "hasten.Channel().get()",
    "channel of numbers": "hasten.Channel(1, dtype='f8').get()",
    "channels": "hasten.select([hasten.Channel(), hasten.Channel()])",
    "channel between processes": "hasten.Channel(shared=True).get()",
    "queue between processes": "hasten.multiprocessing.Queue().get()",
    "thread pool": "hasten.ThreadPool(1).apply(time.sleep, (600,))",
    "pool": "hasten.Pool(1).apply(time.sleep, (600,))",
    "executor": "with hasten.ProcessPoolExecutor(1) as executor:\n    executor.submit(time.sleep, 600).result()",
    "programs": "hasten.run_all([['sleep', '600']], workers=1)",
}

PROGRAM = """
import os, signal, sys, threading, time
import hasten, hasten.multiprocessing, hasten.queue

def take_signal():
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    time.sleep(0.3)
    signal.pthread_kill(threading.get_ident(), signal.SIGINT)

threading.Thread(target=take_signal, daemon=True).start()
try:
{call}
except KeyboardInterrupt:
    print("interrupted", flush=True)
    os._exit(0)
"""


@pytest.mark.parametrize("name", WAITS)
def test_the_main_thread_notices_a_signal_that_did_not_wake_it(name: str) -> None:
    program = PROGRAM.replace("{call}", textwrap.indent(WAITS[name], "    "))
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            assert process.communicate(timeout=60)[0] == "interrupted\n"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def test_ctrl_c_while_a_channel_imports_numpy() -> None:
    program = """
import signal, sys
import hasten

class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name.startswith("numpy."):
            sys.meta_path.remove(self)
            signal.raise_signal(signal.SIGINT)

assert "numpy" not in sys.modules
sys.meta_path.insert(0, Interrupting())
try:
    hasten.Channel(1, dtype="f8")
except KeyboardInterrupt:
    print("interrupted")
channel = hasten.Channel(1, dtype="f8")
channel.put(2)
print(channel.get())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.returncode) == ("interrupted\n2.0\n", 0), done.stderr
