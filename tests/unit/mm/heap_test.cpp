// SPDX-License-Identifier: Apache-2.0
#include "mm/heap.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <random>
#include <vector>

#include "memory.hpp"
#include "mm/frames.hpp"

namespace {

class Heap : public testing::Test {
 protected:
  void SetUp() override {
    start_mm();
    heap_before = mm::heap_counts();
    frames_before = mm::frames().counts();
  }
  void TearDown() override {
    EXPECT_EQ(mm::heap_counts(), heap_before);
    EXPECT_EQ(mm::frames().counts(), frames_before);
  }
  mm::HeapCounts heap_before;
  mm::FrameCounts frames_before;
};

struct Counted {
  explicit Counted(int& count) : count_(count) { ++count_; }
  ~Counted() { --count_; }
  int& count_;
};

TEST_F(Heap, constructs_and_destroys_each_object_once) {
  int alive = 0;
  {
    auto a = mm::make<Counted>(alive).value();
    auto b = std::move(a);
    EXPECT_FALSE(a);
    EXPECT_EQ(alive, 1);
    a = mm::make<Counted>(alive).value();
    EXPECT_EQ(alive, 2);
    b = std::move(a);
    EXPECT_EQ(alive, 1);
    EXPECT_EQ(mm::heap_counts().objects, heap_before.objects + 1);
  }
  EXPECT_EQ(alive, 0);
}

TEST_F(Heap, returns_an_empty_frame_at_once) {
  {
    std::vector<mm::Owned<std::array<char, 100>>> objects;
    for (int i = 0; i < 200; ++i) objects.push_back(mm::make<std::array<char, 100>>().value());
    EXPECT_EQ(mm::heap_counts().bytes - heap_before.bytes, 200U * 128);
    EXPECT_EQ(mm::heap_counts().frames - heap_before.frames, 7U);
  }
  EXPECT_EQ(mm::heap_counts(), heap_before);
}

struct alignas(64) Line {
  char bytes[192];
};
struct alignas(4096) Page {
  char bytes[64];
};

TEST_F(Heap, keeps_the_alignment_of_every_type) {
  std::vector<mm::Owned<Line>> lines;
  for (int i = 0; i < 50; ++i) {
    lines.push_back(mm::make<Line>().value());
    EXPECT_EQ(reinterpret_cast<uintptr_t>(lines.back().get()) % 64, 0U);
  }
  const auto page = mm::make<Page>().value();
  EXPECT_EQ(reinterpret_cast<uintptr_t>(page.get()) % 4096, 0U);
}

TEST_F(Heap, serves_large_arrays_with_frames_of_their_own) {
  auto array = mm::make_array<uint64_t>(5000).value();
  EXPECT_EQ(array.size(), 5000U);
  EXPECT_EQ(array[4999], 0U);
  EXPECT_EQ(mm::heap_counts().frames - heap_before.frames, 16U);
  array.span()[4999] = 7;
  mm::OwnedArray<uint64_t> moved = std::move(array);
  EXPECT_FALSE(array);
  EXPECT_EQ(moved[4999], 7U);
}

TEST_F(Heap, zeroes_array_elements_in_reused_memory) {
  for (int round = 0; round < 2; ++round) {
    auto bytes = mm::make_array<unsigned char>(700).value();
    for (const unsigned char byte : bytes) ASSERT_EQ(byte, 0);
    std::memset(bytes.data(), 0xff, bytes.size());
  }
}

TEST_F(Heap, reports_requests_that_no_memory_can_serve) {
  EXPECT_EQ(mm::make_array<uint64_t>(~size_t{0} / 4).error(), mm::MmError::out_of_memory);
  EXPECT_EQ(mm::make_array<char>(2 * hal::gib).error(), mm::MmError::out_of_memory);
  EXPECT_EQ(mm::make_array<char>(~size_t{0}).error(), mm::MmError::out_of_memory);
  EXPECT_TRUE(mm::make_array<char>(0).ok());
}

struct Base {
  virtual ~Base() = default;
  virtual int answer() const { return 0; }
};
struct Derived final : Base {
  explicit Derived(int& count) : counted(count) {}
  int answer() const override { return 42; }
  Counted counted;
  char more[300] = {};
};

TEST_F(Heap, destroys_a_derived_object_through_its_base) {
  int alive = 0;
  {
    mm::Owned<Base> base = mm::make<Derived>(alive).value();
    EXPECT_EQ(base->answer(), 42);
    EXPECT_EQ(alive, 1);
  }
  EXPECT_EQ(alive, 0);
}

struct Other {
  virtual ~Other() = default;
  int x = 0;
};
struct Both final : Other, Base {};

TEST_F(Heap, refuses_ownership_through_a_base_that_is_not_the_first) {
  auto both = mm::make<Both>().value();
  EXPECT_DEATH(mm::Owned<Base>(std::move(both)), "not its first");
}

TEST_F(Heap, never_hands_out_the_same_memory_twice) {
  std::mt19937 random(3);
  std::vector<mm::OwnedArray<unsigned char>> arrays;
  for (int step = 0; step < 5000; ++step) {
    if (random() % 2 == 0 || arrays.empty()) {
      auto array = mm::make_array<unsigned char>(1 + random() % 3000).value();
      std::memset(array.data(), static_cast<int>(array.size() & 0xff), array.size());
      arrays.push_back(std::move(array));
      continue;
    }
    std::swap(arrays[random() % arrays.size()], arrays.back());
    for (const unsigned char byte : arrays.back()) ASSERT_EQ(byte, arrays.back().size() & 0xff);
    arrays.pop_back();
  }
}

}  // namespace
