"""Runs programs that wait and get a Ctrl-C."""

import subprocess
import sys
import textwrap


def assert_is_interrupted(make: str, wait: str) -> None:
    """Check that Ctrl-C ends `wait`, which would last for ever; `make` makes what it waits for."""
    program = textwrap.dedent(f"""
        import hasten, os, signal, threading
        {make}
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
        try:
            {wait}
        except KeyboardInterrupt:
            print("interrupted")
    """)
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert run.stdout == "interrupted\n", run.stderr
