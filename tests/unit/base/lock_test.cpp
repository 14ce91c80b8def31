// SPDX-License-Identifier: Apache-2.0
#include "hal/base/lock.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace {

using hal::LockGuard;
using hal::LockRank;
using hal::SpinLock;

void take_twice(SpinLock& lock) PLINTH_NO_THREAD_SAFETY {
  lock.lock();
  lock.lock();
}
void release(SpinLock& lock) PLINTH_NO_THREAD_SAFETY { lock.unlock(); }

TEST(SpinLock, excludes_other_cpus) {
  SpinLock lock(LockRank::none);
  int count = 0;
  const auto add = [&] {
    for (int i = 0; i < 1000; ++i) {
      const LockGuard guard(lock);
      ++count;
    }
  };
  std::vector<std::thread> cpus;
  for (int i = 0; i < 3; ++i) cpus.emplace_back(add);
  for (std::thread& cpu : cpus) cpu.join();
  EXPECT_EQ(count, 3000);
  EXPECT_FALSE(lock.is_held());
}

TEST(SpinLock, may_be_taken_in_ascending_rank) {
  SpinLock low(LockRank::device);
  SpinLock high(LockRank::heap);
  const LockGuard first(low);
  const LockGuard second(high);
  EXPECT_EQ(hal::held_locks(), 2U);
}

TEST(SpinLock, stops_where_two_cpus_could_wait_for_each_other) {
  SpinLock low(LockRank::device);
  SpinLock high(LockRank::heap);
  SpinLock equal(LockRank::heap);
  EXPECT_DEATH(
      {
        const LockGuard first(high);
        const LockGuard second(low);
      },
      "out of order: lock of rank 40; held, oldest first: 80");
  EXPECT_DEATH(
      {
        const LockGuard first(high);
        const LockGuard second(equal);
      },
      "out of order");
}

TEST(SpinLock, stops_a_cpu_that_takes_it_twice) {
  SpinLock lock(LockRank::heap);
  EXPECT_DEATH(take_twice(lock), "out of order");
  EXPECT_DEATH(release(lock), "not held");
}

}  // namespace
