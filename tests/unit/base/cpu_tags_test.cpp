// SPDX-License-Identifier: Apache-2.0
#include "hal/base/cpu_tags.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <utility>
#include <vector>

namespace {

using hal::CpuTag;

constexpr unsigned max_cpus = 4;

// A translation that may have a tag: what it is now. It is another one when it has moved or was changed.
struct Translation {
  CpuTag tag;
  unsigned number = 0;  // of what it is now; not used again
  unsigned last_cpu = max_cpus;
};

// TLBs that remember whose translations they hold under which identifier, and complain about a stranger's.
class Machine {
 public:
  explicit Machine(unsigned bits) : bits_(bits) { allocator.set_bits(bits); }

  uint64_t run(unsigned cpu, Translation& translation) {
    // What it changed on the CPU where it ran is not known to this one.
    if (translation.last_cpu != cpu) translation.number = ++last_number_;
    translation.last_cpu = cpu;
    const uint64_t id = allocator.acquire(cpu, translation.tag, [&] {
      ++flushes;
      std::erase_if(tlb_, [&](const auto& entry) { return entry.first.first == cpu; });
    });
    EXPECT_NE(id, 0U);
    EXPECT_LT(id, uint64_t{1} << bits_);
    const auto entry = tlb_.try_emplace({cpu, id}, translation.number).first;
    EXPECT_EQ(entry->second, translation.number) << "a TLB still holds other translations";
    return id;
  }
  void change(Translation& translation) {
    translation.tag.drop();
    translation.number = ++last_number_;
  }

  hal::CpuTagAllocator<max_cpus> allocator;
  unsigned flushes = 0;

 private:
  const unsigned bits_;
  std::map<std::pair<unsigned, uint64_t>, unsigned> tlb_;
  unsigned last_number_ = 0;
};

TEST(CpuTagAllocator, lets_a_tag_keep_its_identifier_on_its_cpu) {
  Machine machine(8);
  Translation a, b;
  const uint64_t id = machine.run(2, a);
  EXPECT_NE(machine.run(2, b), id);
  EXPECT_EQ(machine.run(2, a), id);
}

TEST(CpuTagAllocator, gives_a_fresh_identifier_to_what_comes_back_to_a_cpu) {
  Machine machine(8);
  Translation wanderer;
  const uint64_t first = machine.run(0, wanderer);
  machine.run(1, wanderer);
  EXPECT_NE(machine.run(0, wanderer), first);
}

TEST(CpuTagAllocator, gives_a_fresh_identifier_to_what_was_dropped) {
  Machine machine(8);
  Translation changed;
  const uint64_t first = machine.run(0, changed);
  machine.change(changed);
  EXPECT_FALSE(machine.allocator.is_current(0, changed.tag));
  EXPECT_NE(machine.run(0, changed), first);
}

TEST(CpuTagAllocator, flushes_one_cpu_once_when_its_identifiers_run_out) {
  Machine machine(4);
  std::vector<Translation> all(16);
  for (Translation& one : all) machine.run(3, one);
  EXPECT_EQ(machine.flushes, 1U);
  EXPECT_EQ(machine.allocator.generation(3), 1U);
  EXPECT_EQ(machine.allocator.generation(0), 0U);
  EXPECT_FALSE(machine.allocator.is_current(3, all[0].tag));
  EXPECT_TRUE(machine.allocator.is_current(3, all[15].tag));
}

TEST(CpuTagAllocator, has_no_identifier_for_a_fresh_tag) {
  hal::CpuTagAllocator<max_cpus> allocator;
  allocator.set_bits(8);
  EXPECT_FALSE(allocator.is_current(0, CpuTag{}));
}

TEST(CpuTagAllocator, never_lets_two_translations_meet_in_one_tlb) {
  for (const unsigned bits : {1U, 2U, 4U, 8U}) {
    std::mt19937 random(bits);
    Machine machine(bits);
    std::vector<Translation> all(40);
    for (unsigned step = 0; step < 50'000; ++step) {
      Translation& one = all[random() % all.size()];
      if (random() % 16 == 0) {
        machine.change(one);
      } else {
        machine.run(random() % max_cpus, one);
      }
    }
    EXPECT_GT(machine.flushes, 0U);
  }
}

}  // namespace
