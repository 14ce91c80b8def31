// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <ctime>

// How the cost of some work grows with its input, whatever the machine's speed and load.
namespace growth {

template <class Work>
double cpu_seconds(Work work) {
  double best = 1e9;
  for (int i = 0; i < 3; ++i) {
    timespec start{}, end{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
    work();
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
    best = std::min(best, static_cast<double>(end.tv_sec - start.tv_sec) +
                              static_cast<double>(end.tv_nsec - start.tv_nsec) / 1e9);
  }
  return best;
}

// True when eight times the input takes about eight times as long; quadratic work would take 64 times as long.
// `make(n)` gives what is to be measured, for an input of size n.
template <class Make>
bool is_linear(size_t n, Make make) {
  const double small = cpu_seconds(make(n));
  const double large = cpu_seconds(make(8 * n));
  return large < 24 * small;
}

}  // namespace growth
