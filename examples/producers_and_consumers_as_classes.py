"""Producers and consumers as classes: each is a thread with a state of its own that can be asked to stop."""

import itertools
import time

import hasten


class Sensor(hasten.Thread):
    """Measures until it is asked to stop."""

    def __init__(self, place: str, readings: hasten.Channel[tuple[str, int]]) -> None:
        super().__init__(name=f"sensor {place}", target=self.measure)
        self.place = place
        self.readings = readings

    def measure(self) -> int:
        """Send readings; return how many."""
        for count in itertools.count():
            if self.stopping:
                return count
            self.readings.put((self.place, count))
            time.sleep(0.001)
        raise AssertionError("the loop has no end")


class Recorder(hasten.Thread):
    """Counts what arrives from each place until the channel ends."""

    def __init__(self, readings: hasten.Channel[tuple[str, int]]) -> None:
        super().__init__(name="recorder", target=self.record)
        self.readings = readings
        self.counts: dict[str, int] = {}

    def record(self) -> dict[str, int]:
        """Count them; return the counts."""
        for place, _ in self.readings:
            self.counts[place] = self.counts.get(place, 0) + 1
        return self.counts


def main() -> None:
    readings = hasten.Channel[tuple[str, int]](100)
    sensors = [Sensor(place, readings) for place in ("roof", "cellar")]
    recorder = Recorder(readings)
    for thread in [recorder, *sensors]:
        thread.start()
    time.sleep(0.1)
    for sensor in sensors:
        sensor.stop()
    sent = {sensor.place: sensor.result() for sensor in sensors}
    readings.close()
    assert recorder.result() == sent
    print(f"recorded {sent}")


if __name__ == "__main__":
    main()
