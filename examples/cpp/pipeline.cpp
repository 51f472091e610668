// A source, three workers and a sink, with channels between them that hold at most so many items.
#include <algorithm>
#include <cstdint>
#include <iostream>
#include <thread>
#include <vector>

#include <hasten/channel.h>

static int steps_to_one(uint64_t n) {
  int steps = 0;
  for (; n != 1; ++steps) {
    n = n % 2 == 0 ? n / 2 : 3 * n + 1;
  }
  return steps;
}

int main() {
  hasten::Channel<uint64_t> numbers(256);
  hasten::Channel<int> lengths(256);

  std::jthread source([&] {
    for (uint64_t n = 1; n <= 100'000; ++n) {
      numbers.put(n);
    }
    numbers.close(); // the workers' loops end when it is empty
  });
  std::jthread stage([&] {
    {
      std::vector<std::jthread> workers(3);
      for (std::jthread& worker : workers) {
        worker = std::jthread([&] {
          for (const uint64_t n : numbers) {
            lengths.put(steps_to_one(n));
          }
        });
      }
    } // all of them are done
    lengths.close();
  });

  int longest = 0;
  for (const int length : lengths) {
    longest = std::max(longest, length);
  }
  std::cout << "the longest way to one takes " << longest << " steps\n"; // 350
}
