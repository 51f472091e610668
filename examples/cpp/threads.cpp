// Functions that run in the threads of a pool, and what becomes of their results and exceptions.
#include <future>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

#include <hasten/thread_pool.h>

static size_t count_words(const std::string& text) {
  if (text.empty()) {
    throw std::invalid_argument("there is no text");
  }
  size_t words = 1;
  for (const char c : text) {
    words += c == ' ' ? 1 : 0;
  }
  return words;
}

int main() {
  hasten::ThreadPool pool;

  std::future<size_t> one = pool.submit(count_words, "to be or not to be");
  std::future<size_t> other = pool.submit(count_words, "");
  std::cout << one.get() << " words\n";
  try {
    other.get();
  } catch (const std::invalid_argument& error) {
    std::cout << "the task threw: " << error.what() << '\n';
  }

  const std::vector<std::string> lines{"that is the question", "whether 'tis nobler", "in the mind to suffer"};
  for (const size_t words : pool.map(lines, count_words)) {
    std::cout << words << '\n';
  }
}
