// SPDX-License-Identifier: Apache-2.0
#include "vmm/loongarch64/kvm_calls.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <random>
#include <set>
#include <thread>

namespace {

using vmm::VcpuIndex;
using vmm::loongarch64::KvmCalls;
using vmm::loongson::CpuLines;

constexpr unsigned vcpus = 50;

class Kicks final : public vmm::VcpuKicker {
 public:
  void kick(VcpuIndex vcpu) override { kicked.insert(vcpu); }
  std::multiset<VcpuIndex> kicked;
};

class LoongArchKvmCalls : public testing::Test {
 protected:
  // Who has an interrupt since the last call.
  std::set<VcpuIndex> taken() {
    std::set<VcpuIndex> found;
    for (VcpuIndex vcpu = 0; vcpu < vmm::max_vcpus; ++vcpu) {
      if (lines.take(vcpu, CpuLines::software0) != 0) found.insert(vcpu);
    }
    return found;
  }

  Kicks kicks;
  CpuLines lines{kicks};
  KvmCalls calls{vcpus, true, lines};
};

TEST_F(LoongArchKvmCalls, say_what_they_are_where_linux_looks) {
  EXPECT_EQ(calls.cpucfg(0x4000'0000), 0x004d'564bU);
  EXPECT_EQ(calls.cpucfg(0x4000'0004), 1U << 1 | 1U << 2 | 1U << 24);
  EXPECT_EQ(calls.cpucfg(0x4000'0008), 0U);
  EXPECT_FALSE(calls.cpucfg(0));
  EXPECT_FALSE(calls.cpucfg(0x4000'0100));
}

TEST_F(LoongArchKvmCalls, are_not_there_unless_they_are_offered) {
  const KvmCalls none(vcpus, false, lines);
  EXPECT_EQ(none.cpucfg(0x4000'0000), 0U);
  EXPECT_EQ(none.cpucfg(0x4000'0004), 0U);
  EXPECT_EQ(none.call(0x100, {1, 1, 0, 0}).result, KvmCalls::invalid_code);
  EXPECT_TRUE(taken().empty());
}

TEST_F(LoongArchKvmCalls, refuse_what_nobody_defined) {
  EXPECT_EQ(calls.call(0x101, {1, 1, 0, 0}).result, KvmCalls::invalid_code) << "the code of a software breakpoint";
  EXPECT_EQ(calls.call(0, {1, 1, 0, 0}).result, KvmCalls::invalid_code);
  for (const uint64_t function : {uint64_t{0}, uint64_t{3}, uint64_t{4}, uint64_t{0x1'0000'0001}, ~uint64_t{0}}) {
    EXPECT_EQ(calls.call(0x100, {function, 1, 0, 0}).result, KvmCalls::invalid_code) << function;
  }
  EXPECT_TRUE(taken().empty());
}

TEST_F(LoongArchKvmCalls, interrupt_every_vcpu_of_the_set_and_no_other) {
  std::mt19937_64 random(1);
  for (unsigned i = 0; i < 5'000; ++i) {
    const uint64_t low = random() & random(), high = random() & random();
    const uint64_t first = random() % 4 == 0 ? random() : random() % 200;
    std::set<VcpuIndex> expected;
    for (unsigned bit = 0; bit < 128; ++bit) {
      const bool set = ((bit < 64 ? low : high) >> bit % 64 & 1) != 0;
      if (set && first < vcpus && first + bit < vcpus) expected.insert(static_cast<VcpuIndex>(first + bit));
    }
    ASSERT_EQ(calls.call(0x100, {1, low, high, first}).result, KvmCalls::success);
    ASSERT_EQ(taken(), expected);
  }
}

TEST_F(LoongArchKvmCalls, kick_a_vcpu_once_for_interrupts_that_it_has_not_taken) {
  EXPECT_EQ(calls.call(0x100, {1, 0b10, 0, 0}).result, KvmCalls::success);
  EXPECT_EQ(calls.call(0x100, {1, 0b10, 0, 0}).result, KvmCalls::success);
  EXPECT_EQ(kicks.kicked.count(1), 1U);
  EXPECT_EQ(taken(), std::set<VcpuIndex>{1});
  EXPECT_EQ(calls.call(0x100, {1, 0b10, 0, 0}).result, KvmCalls::success);
  EXPECT_EQ(kicks.kicked.count(1), 2U);
}

TEST_F(LoongArchKvmCalls, take_the_place_of_the_record_of_stolen_time) {
  using Outcome = KvmCalls::Outcome;
  EXPECT_EQ(calls.call(0x100, {2, 1U << 2, 0x1234'5640 | 1, 0}),
            (Outcome{.stolen_time = Outcome::StolenTime::tell, .record = hal::GuestPhys(0x1234'5640)}));
  EXPECT_EQ(calls.call(0x100, {2, 1U << 2, 0, 0}), (Outcome{.stolen_time = Outcome::StolenTime::stop}));
  EXPECT_EQ(calls.call(0x100, {2, 1U << 2, 0x1234'5640, 0}), (Outcome{.stolen_time = Outcome::StolenTime::stop}))
      << "an address that is not said to be valid";
  for (const uint64_t wrong : {2, 4, 8, 0x10, 0x20, 0x3f}) {
    EXPECT_EQ(calls.call(0x100, {2, 1U << 2, 0x1000 | wrong, 0}), Outcome{.result = KvmCalls::invalid_parameter})
        << wrong;
  }
  for (const uint64_t feature : {0, 1, 2, 1 << 1, 1 << 3, 1 << 2 | 1 << 3}) {
    EXPECT_EQ(calls.call(0x100, {2, feature, 0x1001, 0}), Outcome{.result = KvmCalls::invalid_code}) << feature;
  }
}

TEST(LoongArchStolenTime, is_never_read_torn) {
  alignas(64) std::array<std::byte, 64> record{};
  record[8] = std::byte{7};  // an odd version left by whoever had the memory before
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    for (uint64_t n = 1; !stop.load(); ++n) vmm::loongarch64::write_stolen_time(record, n << 32 | (n & 0xffff'ffff));
  });
  const std::atomic_ref version(*reinterpret_cast<uint32_t*>(&record[8]));
  const std::atomic_ref stolen(*reinterpret_cast<uint64_t*>(&record[0]));
  uint64_t last = 0;
  for (unsigned reads = 0; reads < 10'000;) {
    const uint32_t before = version.load(std::memory_order_acquire);
    const uint64_t value = stolen.load(std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_acquire);
    if (before % 2 != 0 || version.load(std::memory_order_relaxed) != before) continue;
    ++reads;
    ASSERT_EQ(value >> 32, value & 0xffff'ffff);
    ASSERT_GE(value, last);
    last = value;
  }
  stop = true;
  writer.join();
  EXPECT_EQ(version.load() % 2, 0U);
  for (size_t i = 12; i < record.size(); ++i) EXPECT_EQ(record[i], std::byte{0});
}

TEST_F(LoongArchKvmCalls, leave_the_other_lines_alone) {
  lines.drive(1, CpuLines::ipi, CpuLines::ipi);
  EXPECT_EQ(calls.call(0x100, {1, 0b10, 0, 0}).result, KvmCalls::success);
  EXPECT_EQ(taken(), std::set<VcpuIndex>{1});
  EXPECT_EQ(lines.lines(1), CpuLines::ipi);
}

}  // namespace
