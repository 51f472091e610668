"""The verbs of ./dev."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import engine
import environment
import lint as linting
import machine
from shell import ROOT, STATE, Failed, cores, run, say, status_of

FUZZ_ROUNDS = "2000"


def demo(arguments: list[str]) -> None:
    """Build, and show on this machine what Hasten does."""
    engine.build()
    environment.provide("build", "demo")
    environment.provide_if_possible("peers")
    run([environment.tool("hasten"), "demo", *arguments])


def test(arguments: list[str]) -> None:
    """Build, then lint and run every test; with arguments, only pytest with these arguments."""
    engine.build(tests=True)
    pytest = [environment.PYTHON, "-m", "pytest"]
    if arguments:
        run([*pytest, *arguments])
        return
    failed = [f"lint ({name})" for name in linting.lint(deep=False)]
    say("C++ tests")
    if status_of(ctest(engine.PRESET)) != 0:
        failed.append("C++ tests")
    say("Python tests")
    if status_of([*pytest, "-n", "2"]) != 0:
        failed.append("Python tests")
    if failed:
        raise Failed("these failed: " + ", ".join(failed))
    say("Everything passed.")


def ctest(preset: str) -> list[str]:
    """Return the command that runs the C++ tests of a build."""
    folder = engine.build_folder(preset)
    return [
        environment.tool("ctest"),
        "--test-dir",
        str(folder),
        f"-j{cores()}",
        "--output-on-failure",
        "--no-tests=error",
    ]


def build(arguments: list[str]) -> None:
    """Leave an environment with Hasten installed in .dev/venv."""
    refuse(arguments)
    engine.build()
    say(f"Hasten is installed in {environment.VENV.relative_to(ROOT)}; try ./dev hasten --help")


def python(arguments: list[str]) -> None:
    """Run the environment's Python with these arguments."""
    replace_by(environment.PYTHON, arguments)


def hasten(arguments: list[str]) -> None:
    """Run Hasten's command line with these arguments."""
    replace_by(environment.tool("hasten"), arguments)


def bench(arguments: list[str]) -> None:
    """Run the benchmarks, or those that are named, and print their table."""
    engine.build()
    environment.provide("build", "demo")
    environment.provide_if_possible("peers")
    # A core type that was chosen for another machine slows NumPy down.
    os.environ.pop("OPENBLAS_CORETYPE", None)
    run([environment.PYTHON, "benchmarks/table.py", *arguments])


def lint(arguments: list[str]) -> None:
    """Check the code without running it; --fix changes what can be changed."""
    fix = arguments == ["--fix"]
    refuse([] if fix else arguments)
    engine.build(tests=True)
    if failed := linting.lint(fix=fix):
        raise Failed("these failed: " + ", ".join(failed))


def fuzz(arguments: list[str]) -> None:
    """Run the fuzzers of the test suite for many more rounds, from a seed of today."""
    engine.build()
    environment.provide("build", "test")
    seed = os.environ.get("HASTEN_FUZZ_SEED", str(int.from_bytes(os.urandom(4), "big")))
    rounds = os.environ.get("HASTEN_FUZZ_ROUNDS", FUZZ_ROUNDS)
    say(f"HASTEN_FUZZ_SEED={seed} HASTEN_FUZZ_ROUNDS={rounds}")
    command = [environment.PYTHON, "-m", "pytest", "-n", "2", "tests/fuzz", *arguments]
    run(command, env={"HASTEN_FUZZ_SEED": seed, "HASTEN_FUZZ_ROUNDS": rounds})


def sanitize(arguments: list[str]) -> None:
    """Run the C++ tests under the sanitizers: asan, tsan, or both."""
    machine.provide(machine.lacking_for_tests())
    environment.provide("build")
    for preset in arguments or ["asan", "tsan"]:
        engine.configure(preset, tests=True)
        engine.compile_targets(preset, "cpp_tests")
        # ThreadSanitizer's shadow memory collides with the widest address randomisation of new kernels.
        run(["setarch", os.uname().machine, "--addr-no-randomize", *ctest(preset)], env=sanitizer_options())


def sanitizer_options() -> dict[str, str]:
    """Return the environment of sanitized tests: LLVM is not instrumented, and children of forks start threads."""
    suppressions = ROOT / "tools" / "dev" / "tsan.supp"
    return {
        "ASAN_OPTIONS": "detect_container_overflow=0:strict_string_checks=1:detect_stack_use_after_return=1",
        "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
        "TSAN_OPTIONS": f"halt_on_error=1:second_deadlock_stack=1:die_after_fork=0:suppressions={suppressions}",
    }


def docs(arguments: list[str]) -> None:
    """Check the links of the manual and run its examples."""
    engine.build()
    run([environment.PYTHON, "tools/check_docs.py", *arguments])


def clean(arguments: list[str]) -> None:
    """Remove everything that ./dev made."""
    refuse(arguments)
    for folder in (ROOT / "build", STATE):
        if folder.exists():
            say(f"Removing {folder.relative_to(ROOT)}/")
            shutil.rmtree(folder)


def refuse(arguments: list[str]) -> None:
    """Fail where a verb that takes no arguments got some."""
    if arguments:
        raise Failed(f"this verb does not take {' '.join(arguments)}")


def replace_by(program: str, arguments: list[str]) -> None:
    """Become a program of the environment, which is built first where it isn't there."""
    if not Path(program).exists():
        output = os.dup(1)
        os.dup2(2, 1)
        engine.build()
        os.dup2(output, 1)
    os.execv(program, [program, *arguments])


VERBS: tuple[Callable[[list[str]], None], ...] = (
    demo, test, build, python, hasten, bench, lint, fuzz, sanitize, docs, clean,
)  # fmt: skip


def usage(verbs: dict[str, Callable[[list[str]], None]]) -> str:
    """Return the list of verbs, each with what it does."""
    lines = [f"  {name:<9} {verb.__doc__}" for name, verb in verbs.items()]
    about = "HASTEN_PYTHON names the Python to use; each version has an environment of its own."
    return "\n".join(["usage: ./dev VERB [ARGUMENTS]", "", *lines, "", about])


def main(arguments: list[str]) -> int:
    """Run one verb."""
    verbs = {verb.__name__: verb for verb in VERBS}
    if not arguments or arguments[0] not in verbs:
        asked = arguments[:1] in (["help"], ["--help"], ["-h"])
        print(usage(verbs), file=sys.stdout if asked else sys.stderr)
        return 0 if asked else 2
    try:
        verbs[arguments[0]](arguments[1:])
    except Failed as failure:
        print(f"dev {arguments[0]}: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
