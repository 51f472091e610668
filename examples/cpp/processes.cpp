// Functions that run in worker processes: what kills a worker costs the task that it ran, and nothing else.
#include <csignal>
#include <future>
#include <iostream>
#include <numeric>
#include <vector>

#include <hasten/process_pool.h>

static int render(int page) {
  if (page == 13) {
    std::raise(SIGSEGV); // a bug in a library that we can't mend
  }
  return page * page;
}
HASTEN_TASK(render);

static double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}
HASTEN_TASK(mean);

int main() {
  hasten::ProcessPool pool;

  std::vector<std::future<int>> pages;
  for (int page = 0; page < 20; ++page) {
    pages.push_back(pool.submit(render, page));
  }
  int sum = 0;
  for (std::future<int>& page : pages) {
    try {
      sum += page.get();
    } catch (const hasten::WorkerDied& death) {
      std::cout << "lost a page to signal " << death.signal() << '\n';
    }
  }
  std::cout << "the other pages: " << sum << '\n'; // 2470 - 169 = 2301

  const std::vector<std::vector<double>> rows{{1, 2, 3}, {4, 5}, {6}};
  for (const double value : pool.map(mean, rows)) {
    std::cout << "mean " << value << '\n';
  }
}
