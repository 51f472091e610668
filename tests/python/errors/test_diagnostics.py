"""What a function that can't be compiled is told."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from hasten import errors, njit


@njit
def calls_a_method_that_is_not_there(x: Any) -> Any:
    y = x + 1
    return y.upper()


def failure(function: Any, *args: Any) -> errors.HastenError:
    with pytest.raises(errors.HastenError) as caught:
        function(*args)
    return caught.value


def test_it_says_where_as_a_syntax_error_does() -> None:
    error = failure(calls_a_method_that_is_not_there, 1)
    line = calls_a_method_that_is_not_there.__code__.co_firstlineno + 3
    assert type(error) is errors.TypingError
    assert error.filename == __file__
    assert error.lineno == line
    assert error.text == "    return y.upper()"
    assert error.offset is not None
    assert error.text[error.offset - 1 :].startswith("y.upper")
    assert error.function is not None
    assert error.function.endswith("calls_a_method_that_is_not_there")
    assert "upper" in error.msg
    lines = str(error).splitlines()
    assert lines[0] == f'File "{__file__}", line {line}, in calls_a_method_that_is_not_there'
    assert lines[1] == "    return y.upper()"
    assert lines[2].strip("^ ") == ""
    assert len(lines) <= 15


def test_it_fails_the_same_way_each_time() -> None:
    first, second = (str(failure(calls_a_method_that_is_not_there, 1)) for _ in range(2))
    assert first == second


def test_it_can_be_pickled() -> None:
    error = failure(calls_a_method_that_is_not_there, 1)
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert again.lineno == error.lineno


def test_numbas_hierarchy() -> None:
    for child, parent in (
        (errors.TypingError, errors.NumbaError),
        (errors.NumbaValueError, errors.TypingError),
        (errors.UnsupportedBytecodeError, errors.UnsupportedError),
        (errors.LoweringError, errors.NumbaError),
        (errors.NumbaPerformanceWarning, Warning),
        (errors.NotDefinedError, errors.IRError),
    ):
        assert issubclass(child, parent)
    assert str(errors.TypingError("message")) == "message"
    assert errors.TypingError("message").msg == "message"
    assert str(errors.NumbaError("message", loc="here")) == "message\nhere"


def test_all_names_exist() -> None:
    for name in errors.__all__:
        assert getattr(errors, name) is not None


@njit
def has_an_inner_function() -> Any:
    def inner(x: Any) -> Any:
        return x

    return inner


def test_a_callee_that_cannot_be_read_says_so_each_time() -> None:
    caller = njit(lambda x: has_an_inner_function()(x) + has_an_inner_function()(x))
    for _ in range(2):
        error = failure(caller, 1)
        assert "a function inside a compiled function can't be compiled yet" in str(error)
        assert error.function == "has_an_inner_function"


def test_a_result_that_grows_with_each_call_is_refused() -> None:
    @njit
    def nested(n: int) -> Any:
        if n <= 0:
            return None
        return (n, nested(n - 1))

    assert "does not converge" in str(failure(nested, 3))
