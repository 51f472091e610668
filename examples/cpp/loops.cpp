// Loops on all cores: a table that is filled, and a sum.
#include <cmath>
#include <functional>
#include <iostream>
#include <vector>

#include <hasten/parallel.h>

int main() {
  constexpr int kPoints = 1'000'000;
  std::vector<double> heights(kPoints);
  hasten::parallel_for(0, kPoints, [&](int i) { heights[static_cast<size_t>(i)] = std::sin(i * 1e-6); });

  const double area =
      hasten::parallel_reduce(0, kPoints, 0.0, [&](int i) { return heights[static_cast<size_t>(i)] * 1e-6; }, std::plus<>());
  std::cout << "the area is " << area << '\n'; // 1 - cos(1) = 0.4597
}
