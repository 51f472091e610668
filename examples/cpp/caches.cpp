// Values that are computed once: in memory, for all threads; on disk, for all processes.
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include <unistd.h>

#include <hasten/disk_cache.h>
#include <hasten/lru_cache.h>
#include <hasten/thread_pool.h>

static std::vector<int> divisors(int n) {
  std::vector<int> found;
  for (int d = 1; d <= n; ++d) {
    if (n % d == 0) {
      found.push_back(d);
    }
  }
  return found;
}

int main() {
  hasten::LruCache<int, std::vector<int>> cache({.max_size = 1000, .ttl = std::chrono::minutes(10)});
  hasten::ThreadPool pool;
  // Whoever comes first computes; the others wait for that value.
  const std::vector<int> wanted(8, 720'720);
  for (const size_t count : pool.map(wanted, [&](int n) { return cache.get_or_compute(n, [n] { return divisors(n); }).size(); })) {
    std::cout << count << " divisors\n";
  }
  std::cout << cache.info().size << " value in the cache\n";

  const auto folder = std::filesystem::temp_directory_path() / ("hasten-example-" + std::to_string(getpid()));
  {
    hasten::DiskCache disk(folder);
    disk.put("720720", divisors(720'720));
  }
  const hasten::DiskCache later(folder); // in this process or another
  std::cout << later.get<std::vector<int>>("720720").value().size() << " divisors from disk\n";
  std::filesystem::remove_all(folder);
}
