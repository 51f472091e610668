"""A program over multiprocessing, ported by its first line."""

from hasten import multiprocessing


def square(x: int) -> int:
    return x * x


if __name__ == "__main__":
    with multiprocessing.Pool(2) as pool:
        squares = pool.map(square, range(10))
    assert squares == [x * x for x in range(10)]
    print(squares)
