"""What runs in the worker processes of executors, where it differs from those of pools."""

import logging
import pickle
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hasten._mirror import original
from hasten._pool.errors import TaskUnreadable
from hasten._pool.pickling import dumps, traceback_text
from hasten._pool.worker import Descriptors, connect, serve

if TYPE_CHECKING:

    class RemoteTraceback(Exception):
        """A traceback of another process, as text."""
else:
    RemoteTraceback = original("concurrent.futures.process")._RemoteTraceback


def work(
    descriptors: Descriptors,
    initializer: Callable[..., object] | None,
    initargs: tuple[Any, ...],
    most_tasks: int,
) -> None:
    """Run tasks until the parent says that there are no more, or there is no parent any more."""
    engine = connect(descriptors, most_tasks, describe_failure)
    if initializer is not None:
        try:
            initializer(*initargs)
        except BaseException:
            logging.getLogger("concurrent.futures").critical("Exception in initializer:", exc_info=True)
            sys.exit(1)
    serve(engine, _describe_unreadable)


def describe_failure(error: BaseException, *value: object) -> bytes:
    """Return a task's failure as bytes; of a result that refused to be pickled, the refusal is the failure."""
    text = traceback_text(error)
    try:
        pickled = dumps(error)
    except Exception as refused:
        text = traceback_text(refused)
        pickled = dumps(refused)
    return pickle.dumps((pickled, text), pickle.HIGHEST_PROTOCOL)


def with_traceback_as_cause(error: BaseException) -> BaseException:
    """Return the exception that pickling a call raised, as it would look had another thread pickled it."""
    error.__cause__ = RemoteTraceback(traceback_text(error))
    return error


def _describe_unreadable(error: Exception) -> bytes:
    message = f"the task can't be unpickled in the worker: {type(error).__name__}: {error}"
    return pickle.dumps((dumps(TaskUnreadable(message)), traceback_text(error)), pickle.HIGHEST_PROTOCOL)


def read_failure(failure: bytes) -> BaseException:
    """Return the exception that `describe_failure` described."""
    pickled, text = pickle.loads(failure)
    try:
        error = pickle.loads(pickled)
        if not isinstance(error, BaseException):
            raise TypeError(f"it was unpickled as an object of type {type(error).__name__}")
    except Exception as unreadable:
        error = TaskUnreadable(f"the exception that the task raised can't be unpickled: {unreadable}")
    travelled: BaseException = error
    travelled.__cause__ = RemoteTraceback(text)
    return travelled
