// SPDX-License-Identifier: Apache-2.0
// The functions of hal/base/freestanding/memory.cpp, under names of their own, beside those of the host.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#define memcpy  plinth_memcpy
#define memmove plinth_memmove
#define memset  plinth_memset
#define memcmp  plinth_memcmp
#define memchr  plinth_memchr
#define strlen  plinth_strlen
#include "hal/base/freestanding/memory.cpp"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef memchr
#undef strlen

namespace {

constexpr size_t room = 160;  // five steps of the longest loop

class Memory : public testing::Test {
 protected:
  std::vector<uint8_t> random_bytes(size_t count) {
    std::vector<uint8_t> bytes(count);
    std::ranges::generate(bytes, [this] { return static_cast<uint8_t>(random_()); });
    return bytes;
  }
  std::mt19937 random_{1};
};

TEST_F(Memory, copies_every_length_from_and_to_every_alignment) {
  const std::vector<uint8_t> source = random_bytes(room);
  for (size_t from = 0; from < 9; ++from) {
    for (size_t to = 0; to < 9; ++to) {
      for (size_t count = 0; count <= room - 9; ++count) {
        std::vector<uint8_t> expected = random_bytes(room);
        std::vector<uint8_t> actual = expected;
        std::copy_n(source.begin() + from, count, expected.begin() + to);
        ASSERT_EQ(plinth_memcpy(&actual[to], &source[from], count), &actual[to]);
        ASSERT_EQ(actual, expected) << from << " " << to << " " << count;
      }
    }
  }
}

TEST_F(Memory, moves_overlapping_memory_in_both_directions) {
  for (const int distance : {-70, -33, -32, -31, -9, -8, -7, -1, 0, 1, 7, 8, 9, 31, 32, 33, 70}) {
    for (size_t count = 0; count <= 80; ++count) {
      const std::vector<uint8_t> before = random_bytes(room + 80);
      std::vector<uint8_t> actual = before;
      std::vector<uint8_t> expected = before;
      const size_t to = static_cast<size_t>(80 + distance);
      std::memmove(&expected[to], &expected[80], count);
      plinth_memmove(&actual[to], &actual[80], count);
      ASSERT_EQ(actual, expected) << distance << " " << count;
    }
  }
}

TEST_F(Memory, sets_no_more_than_it_is_told_to) {
  for (size_t start = 0; start < 9; ++start) {
    for (size_t count = 0; count <= room - 9; ++count) {
      std::vector<uint8_t> expected = random_bytes(room);
      std::vector<uint8_t> actual = expected;
      std::fill_n(expected.begin() + start, count, uint8_t{0xa5});
      plinth_memset(&actual[start], 0x1a5, count);
      ASSERT_EQ(actual, expected) << start << " " << count;
    }
  }
}

TEST_F(Memory, orders_by_the_first_byte_that_differs) {
  const std::vector<uint8_t> left = random_bytes(40);
  for (size_t count = 0; count <= left.size(); ++count) {
    EXPECT_EQ(plinth_memcmp(left.data(), std::vector(left).data(), count), 0);
    for (size_t at = 0; at < count; ++at) {
      std::vector<uint8_t> right = random_bytes(40);
      std::copy_n(left.begin(), at + 1, right.begin());
      right[at] = static_cast<uint8_t>(left[at] ^ 0x80);
      ASSERT_EQ(plinth_memcmp(left.data(), right.data(), count) < 0, left[at] < right[at]) << count << " " << at;
    }
  }
}

// In memory that ends with the last byte, so that looking too far is noticed.
TEST_F(Memory, finds_the_first_of_a_byte) {
  for (const uint8_t wanted : std::array<uint8_t, 5>{0x00, 0x01, 0x7f, 0x80, 0xff}) {
    for (size_t count = 0; count <= 40; ++count) {
      for (size_t at = 0; at <= count; ++at) {
        std::vector<uint8_t> bytes(count, static_cast<uint8_t>(wanted ^ 1));
        if (at < count) bytes[at] = bytes[count - 1] = wanted;
        const void* const expected = at < count ? &bytes[at] : nullptr;
        ASSERT_EQ(plinth_memchr(bytes.data(), wanted | 0x100, count), expected) << count << " " << at;
      }
    }
  }
}

TEST_F(Memory, measures_text) {
  EXPECT_EQ(plinth_strlen(""), 0U);
  EXPECT_EQ(plinth_strlen("fourteen bytes"), 14U);
}

}  // namespace
