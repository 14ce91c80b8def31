// SPDX-License-Identifier: Apache-2.0
#include "hal/base/tag_allocator.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <random>
#include <set>
#include <thread>
#include <vector>

namespace {

using hal::AddressSpaceTag;

constexpr unsigned max_cpus = 4;
using Allocator = hal::TagAllocator<max_cpus>;

// TLBs that remember whose translations they hold under which identifier, and complain about a stranger's.
class Machine {
 public:
  explicit Machine(unsigned bits) { allocator.set_bits(bits); }

  uint64_t run(unsigned cpu, AddressSpaceTag& tag) {
    // A CPU that asks runs nobody.
    running_[cpu] = {};
    const uint64_t id = allocator.acquire(cpu, tag, [this] { flush(); });
    EXPECT_NE(id, 0U);
    const unsigned space = spaces_.try_emplace(&tag, next_space_++).first->second;
    const auto [entry, is_new] = tlb_.try_emplace({cpu, id}, space);
    EXPECT_EQ(entry->second, space) << "a TLB still holds another address space's translations";
    running_[cpu] = {&tag, id};
    expect_no_sharing();
    return id;
  }
  void forget(AddressSpaceTag& tag) {
    allocator.forget(tag);
    spaces_.erase(&tag);
    for (Running& running : running_) {
      if (running.tag == &tag) running = {};
    }
  }

  Allocator allocator;
  unsigned flushes = 0;

 private:
  struct Running {
    AddressSpaceTag* tag = nullptr;
    uint64_t id = 0;
  };

  void flush() {
    ++flushes;
    tlb_.clear();
    // What runs goes on and fills its TLB again.
    for (unsigned cpu = 0; cpu < max_cpus; ++cpu) {
      if (running_[cpu].tag != nullptr) tlb_[{cpu, running_[cpu].id}] = spaces_[running_[cpu].tag];
    }
  }
  void expect_no_sharing() const {
    for (const Running& a : running_) {
      for (const Running& b : running_) {
        if (a.tag != nullptr && b.tag != nullptr && a.tag != b.tag) EXPECT_NE(a.id, b.id);
      }
    }
  }

  std::map<std::pair<unsigned, uint64_t>, unsigned> tlb_;
  // A tag may be the next address space's when this one is gone; numbers are not used again.
  std::map<const AddressSpaceTag*, unsigned> spaces_;
  unsigned next_space_ = 0;
  std::array<Running, max_cpus> running_{};
};

TEST(TagAllocator, gives_each_address_space_an_identifier_of_its_own) {
  Machine machine(8);
  std::array<AddressSpaceTag, 255> tags;
  std::set<uint64_t> ids;
  for (AddressSpaceTag& tag : tags) ids.insert(machine.run(0, tag));
  EXPECT_EQ(ids.size(), tags.size());
  EXPECT_EQ(*ids.begin(), 1U);
  EXPECT_EQ(*ids.rbegin(), 255U);
  EXPECT_EQ(machine.flushes, 0U);
}

TEST(TagAllocator, lets_an_address_space_keep_its_identifier) {
  Machine machine(8);
  AddressSpaceTag a, b;
  const uint64_t id = machine.run(0, a);
  machine.run(0, b);
  EXPECT_EQ(machine.run(0, a), id);
  EXPECT_EQ(machine.run(3, a), id);
  EXPECT_TRUE(machine.allocator.is_current(a));
}

TEST(TagAllocator, has_no_identifier_for_a_fresh_tag) {
  Allocator allocator;
  allocator.set_bits(8);
  EXPECT_FALSE(allocator.is_current(AddressSpaceTag{}));
}

TEST(TagAllocator, flushes_once_when_identifiers_run_out) {
  Machine machine(4);
  std::array<AddressSpaceTag, 16> tags;
  for (AddressSpaceTag& tag : tags) machine.run(0, tag);
  EXPECT_EQ(machine.flushes, 1U);
  EXPECT_EQ(machine.allocator.generation(), 2U);
  EXPECT_FALSE(machine.allocator.is_current(tags[0]));
  EXPECT_TRUE(machine.allocator.is_current(tags[15]));
}

TEST(TagAllocator, goes_on_with_its_generation_when_a_cpu_joins_late) {
  Machine machine(4);
  std::array<AddressSpaceTag, 16> tags;
  for (AddressSpaceTag& tag : tags) machine.run(0, tag);
  machine.allocator.set_bits(4);
  EXPECT_EQ(machine.allocator.generation(), 2U);
  EXPECT_FALSE(machine.allocator.is_current(tags[0]));
}

TEST(TagAllocator, carries_what_runs_over_into_a_new_generation) {
  Machine machine(2);
  std::array<AddressSpaceTag, 3> running;
  std::array<uint64_t, 3> ids{};
  for (unsigned cpu = 0; cpu < 2; ++cpu) ids[cpu] = machine.run(cpu, running[cpu]);
  std::array<AddressSpaceTag, 20> others;
  for (AddressSpaceTag& other : others) machine.run(2, other);
  EXPECT_GT(machine.flushes, 10U);
  for (unsigned cpu = 0; cpu < 2; ++cpu) {
    EXPECT_TRUE(machine.allocator.is_current(running[cpu]));
    EXPECT_EQ(machine.run(cpu, running[cpu]), ids[cpu]);
  }
}

TEST(TagAllocator, keeps_what_it_carried_over_when_its_cpu_moves_on) {
  Machine machine(2);
  std::array<AddressSpaceTag, 3> first;
  AddressSpaceTag carried, other;
  machine.run(0, first[0]);
  machine.run(0, first[1]);
  const uint64_t id = machine.run(0, carried);
  machine.run(1, other);  // a new generation
  ASSERT_EQ(machine.flushes, 1U);
  machine.run(0, other);
  EXPECT_NE(machine.run(1, first[2]), id);
  EXPECT_EQ(machine.run(2, carried), id);
}

TEST(TagAllocator, knows_how_many_tags_it_has_to_remember) {
  Machine machine(2);
  AddressSpaceTag never_run, first, second;
  machine.run(0, first);
  machine.run(1, first);
  machine.run(1, second);
  EXPECT_EQ(machine.allocator.known(), 2U);
  machine.forget(first);
  machine.forget(never_run);
  EXPECT_EQ(machine.allocator.known(), 1U);
  machine.forget(second);
  EXPECT_EQ(machine.allocator.known(), 0U);
}

TEST(TagAllocator, gives_nobody_the_identifier_of_a_tag_that_was_forgotten_before_a_flush) {
  Machine machine(2);
  AddressSpaceTag gone, next, last;
  const uint64_t id = machine.run(0, gone);
  machine.forget(gone);
  EXPECT_NE(machine.run(0, next), id);
  EXPECT_NE(machine.run(0, last), id);
  EXPECT_EQ(machine.flushes, 0U);
}

TEST(TagAllocator, never_lets_two_address_spaces_meet_in_one_tlb) {
  for (const unsigned bits : {3U, 4U, 8U}) {
    std::mt19937 random(bits);
    Machine machine(bits);
    std::vector<AddressSpaceTag> tags(40);
    for (unsigned step = 0; step < 50'000; ++step) {
      AddressSpaceTag& tag = tags[random() % tags.size()];
      if (random() % 16 == 0) {
        machine.forget(tag);
        tag.value.store(0);  // another VM in its place
      } else {
        machine.run(random() % max_cpus, tag);
      }
    }
    if (bits < 8) EXPECT_GT(machine.flushes, 0U);
  }
}

// Until a CPU acquires the next identifier nobody else has this one, while generations end all the time.
TEST(TagAllocator, keeps_identifiers_apart_between_cpus_that_run_at_once) {
  Allocator allocator;
  allocator.set_bits(3);
  std::array<AddressSpaceTag, 24> tags;
  std::array<std::atomic<uint32_t>, 8> holders{};  // by identifier: 1 + number of the address space, 0 none
  std::atomic<unsigned> collisions{0};
  std::atomic<unsigned> flushes{0};
  std::vector<std::thread> cpus;
  for (unsigned cpu = 0; cpu < max_cpus; ++cpu) {
    cpus.emplace_back([&, cpu] {
      std::mt19937 random(cpu);
      // An address space of its own, so that equal identifiers always mean a collision.
      const unsigned first = cpu * static_cast<unsigned>(tags.size() / max_cpus);
      for (unsigned round = 0; round < 20'000; ++round) {
        const unsigned space = first + random() % (tags.size() / max_cpus);
        const uint64_t id = allocator.acquire(cpu, tags[space], [&] { flushes.fetch_add(1); });
        uint32_t nobody = 0;
        if (!holders[id].compare_exchange_strong(nobody, space + 1)) collisions.fetch_add(1);
        if (id == 0) collisions.fetch_add(1);
        if (round % 64 == 0) std::this_thread::yield();
        holders[id].store(0);
      }
    });
  }
  for (std::thread& cpu : cpus) cpu.join();
  EXPECT_EQ(collisions.load(), 0U);
  EXPECT_GT(flushes.load(), 0U);
}

}  // namespace
