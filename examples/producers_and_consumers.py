"""Producers and consumers as plain functions: a bounded channel between them says when there is no more."""

import time

import hasten


def produce(start: int, numbers: hasten.Channel[int]) -> None:
    for number in range(start, start + 100):
        numbers.put(number)  # waits while ten are on their way


def consume(numbers: hasten.Channel[int]) -> int:
    total = 0
    for number in numbers:  # ends when the channel is closed and empty
        time.sleep(0.0001)  # as if it asked a server
        total += number
    return total


def main() -> None:
    numbers = hasten.Channel[int](10)
    producers = [hasten.Thread(target=produce, args=(start, numbers)) for start in (0, 100, 200)]
    consumers = [hasten.Thread(target=consume, args=(numbers,)) for _ in range(4)]
    for thread in [*producers, *consumers]:
        thread.start()
    for producer in producers:
        producer.result()
    numbers.close()
    totals = [consumer.result() for consumer in consumers]
    assert sum(totals) == sum(range(300))
    print(f"{len(totals)} consumers added up {totals}: {sum(totals)} in all")


if __name__ == "__main__":
    main()
