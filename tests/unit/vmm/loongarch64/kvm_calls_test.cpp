// SPDX-License-Identifier: Apache-2.0
#include "vmm/loongarch64/kvm_calls.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>

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
  EXPECT_EQ(calls.cpucfg(0x4000'0004), 1U << 1);
  EXPECT_EQ(calls.cpucfg(0x4000'0008), 0U);
  EXPECT_FALSE(calls.cpucfg(0));
  EXPECT_FALSE(calls.cpucfg(0x4000'0100));
}

TEST_F(LoongArchKvmCalls, are_not_there_unless_they_are_offered) {
  const KvmCalls none(vcpus, false, lines);
  EXPECT_EQ(none.cpucfg(0x4000'0000), 0U);
  EXPECT_EQ(none.cpucfg(0x4000'0004), 0U);
  EXPECT_EQ(none.call(0x100, {1, 1, 0, 0}), KvmCalls::invalid_code);
  EXPECT_TRUE(taken().empty());
}

TEST_F(LoongArchKvmCalls, refuse_what_nobody_defined) {
  EXPECT_EQ(calls.call(0x101, {1, 1, 0, 0}), KvmCalls::invalid_code) << "the code of a software breakpoint";
  EXPECT_EQ(calls.call(0, {1, 1, 0, 0}), KvmCalls::invalid_code);
  for (const uint64_t function : {uint64_t{0}, uint64_t{2}, uint64_t{3}, uint64_t{0x1'0000'0001}, ~uint64_t{0}}) {
    EXPECT_EQ(calls.call(0x100, {function, 1, 0, 0}), KvmCalls::invalid_code) << function;
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
    ASSERT_EQ(calls.call(0x100, {1, low, high, first}), KvmCalls::success);
    ASSERT_EQ(taken(), expected);
  }
}

TEST_F(LoongArchKvmCalls, kick_a_vcpu_once_for_interrupts_that_it_has_not_taken) {
  EXPECT_EQ(calls.call(0x100, {1, 0b10, 0, 0}), KvmCalls::success);
  EXPECT_EQ(calls.call(0x100, {1, 0b10, 0, 0}), KvmCalls::success);
  EXPECT_EQ(kicks.kicked.count(1), 1U);
  EXPECT_EQ(taken(), std::set<VcpuIndex>{1});
  EXPECT_EQ(calls.call(0x100, {1, 0b10, 0, 0}), KvmCalls::success);
  EXPECT_EQ(kicks.kicked.count(1), 2U);
}

TEST_F(LoongArchKvmCalls, leave_the_other_lines_alone) {
  lines.drive(1, CpuLines::ipi, CpuLines::ipi);
  EXPECT_EQ(calls.call(0x100, {1, 0b10, 0, 0}), KvmCalls::success);
  EXPECT_EQ(taken(), std::set<VcpuIndex>{1});
  EXPECT_EQ(lines.lines(1), CpuLines::ipi);
}

}  // namespace
