// SPDX-License-Identifier: Apache-2.0
#include "hal/base/random_stream.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <set>
#include <string>
#include <vector>

namespace {

using hal::RandomStream;

std::string bytes_of(const hal::ChaChaBlock& block) {
  return {reinterpret_cast<const char*>(block.data()), sizeof(block)};
}

std::string unhex(std::string_view text) {
  std::string bytes;
  std::string digits;
  for (const char c : text) {
    if (c != ' ') digits += c;
    if (digits.size() < 2) continue;
    bytes += static_cast<char>(std::stoi(digits, nullptr, 16));
    digits.clear();
  }
  return bytes;
}

// RFC 8439, 2.3.2.
TEST(ChaCha20, makes_the_block_of_the_standards_example) {
  const hal::ChaChaKey key{0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c,
                           0x13121110, 0x17161514, 0x1b1a1918, 0x1f1e1d1c};
  EXPECT_EQ(bytes_of(hal::chacha20_block(key, 1, {0x09000000, 0x4a000000, 0x00000000})),
            unhex("10 f1 e7 e4 d1 3b 59 15 50 0f dd 1f a3 20 71 c4 c7 d1 f4 c7 33 c0 68 03 04 22 aa 9a c3 d4 6c 4e"
                  "d2 82 64 46 07 9f aa 09 14 c2 d7 05 d9 8b 02 a2 b5 12 9c d1 de 16 4e b9 cb d0 83 e8 a2 50 3c 4e"));
}

// RFC 8439, appendix A.1.
TEST(ChaCha20, makes_the_blocks_of_the_standards_test_vectors) {
  const hal::ChaChaKey zero{};
  EXPECT_EQ(bytes_of(hal::chacha20_block(zero, 0, {})),
            unhex("76 b8 e0 ad a0 f1 3d 90 40 5d 6a e5 53 86 bd 28 bd d2 19 b8 a0 8d ed 1a a8 36 ef cc 8b 77 0d c7"
                  "da 41 59 7c 51 57 48 8d 77 24 e0 3f b8 d8 4a 37 6a 43 b8 f4 15 18 a1 1c c3 87 b6 69 b2 ee 65 86"));
  EXPECT_EQ(bytes_of(hal::chacha20_block(zero, 1, {})),
            unhex("9f 07 e7 be 55 51 38 7a 98 ba 97 7c 73 2d 08 0d cb 0f 29 a0 48 e3 65 69 12 c6 53 3e 32 ee 7a ed"
                  "29 b7 21 76 9c e6 4e 43 d5 71 33 b0 74 d8 39 d5 31 ed 1f 28 51 0a fb 45 ac e1 0a 1f 4b 79 4d 6f"));
  hal::ChaChaKey last{};
  last[7] = 0x0100'0000;
  EXPECT_EQ(bytes_of(hal::chacha20_block(last, 1, {})),
            unhex("3a eb 52 24 ec f8 49 92 9b 9d 82 8d b1 ce d4 dd 83 20 25 e8 01 8b 81 60 b8 22 84 f3 c9 49 aa 5a"
                  "8e ca 00 bb b4 a7 3b da d1 92 b5 c4 2f 73 f2 fd 4e 27 36 44 c8 b3 61 25 a6 4a dd eb 00 6c 13 a0"));
  hal::ChaChaKey second{};
  second[0] = 0x0000'ff00;
  EXPECT_EQ(bytes_of(hal::chacha20_block(second, 2, {})),
            unhex("72 d5 4d fb f1 2e c4 4b 36 26 92 df 94 13 7f 32 8f ea 8d a7 39 90 26 5e c1 bb be a1 ae 9a f0 ca"
                  "13 b2 5a a2 6c b4 a6 48 cb 9b 9d 1b e6 5b 2c 09 24 a6 6c 54 d5 45 ec 1b 73 74 f4 87 2e 99 f0 96"));
  EXPECT_EQ(bytes_of(hal::chacha20_block(zero, 0, {0, 0, 0x0200'0000})),
            unhex("c2 c6 4d 37 8c d5 36 37 4a e2 04 b9 ef 93 3f cd 1a 8b 22 88 b3 df a4 96 72 ab 76 5b 54 ee 27 c7"
                  "8a 97 0e 0e 95 5c 14 f3 a8 8e 74 1b 97 c2 86 f7 5f 8f c2 99 e8 14 83 62 fa 19 8a 39 53 1b ed 6d"));
}

std::vector<std::byte> take(RandomStream& stream, size_t count) {
  std::vector<std::byte> bytes(count);
  stream.fill(bytes);
  return bytes;
}

RandomStream seeded(std::string_view seed) {
  RandomStream stream;
  stream.mix(std::as_bytes(std::span(seed)));
  return stream;
}

TEST(RandomStream, gives_what_chacha20_gives_and_goes_on_with_another_key) {
  RandomStream stream;
  const hal::ChaChaKey zero{};
  const std::string block = bytes_of(hal::chacha20_block(zero, 0, {}));
  const std::string next = bytes_of(hal::chacha20_block(zero, 1, {}));
  const auto first = take(stream, 80);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(first.data()), 80), block.substr(32) + next.substr(0, 48));
  hal::ChaChaKey key;
  std::memcpy(key.data(), block.data(), sizeof(key));
  const auto second = take(stream, 32);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(second.data()), 32),
            bytes_of(hal::chacha20_block(key, 0, {})).substr(32));
}

TEST(RandomStream, does_not_keep_what_it_gave) {
  RandomStream stream = seeded("secret");
  const auto given = take(stream, 4096);
  const auto state = std::bit_cast<std::array<std::byte, sizeof(stream)>>(stream);
  // Nor the block that the key came from: no output is computed from the present key alone.
  RandomStream thief = stream;
  const auto later = take(thief, 4096);
  for (size_t at = 0; at + 8 <= given.size(); ++at) {
    const auto piece = std::span(given).subspan(at, 8);
    ASSERT_TRUE(std::ranges::search(state, piece).empty());
    ASSERT_TRUE(std::ranges::search(later, piece).empty());
  }
}

TEST(RandomStream, depends_on_every_byte_and_on_the_division_of_what_is_mixed_in) {
  const std::string seed(40, 'x');
  std::set<std::vector<std::byte>> outputs;
  const auto add = [&](RandomStream stream) { return outputs.insert(take(stream, 16)).second; };
  EXPECT_TRUE(add({}));
  for (size_t i = 0; i < seed.size(); ++i) {
    std::string other = seed;
    other[i] = 'y';
    EXPECT_TRUE(add(seeded(other))) << i;
    EXPECT_TRUE(add(seeded(seed.substr(0, i)))) << i;
    RandomStream divided = seeded(seed.substr(0, i));
    divided.mix(std::as_bytes(std::span(seed).subspan(i)));
    EXPECT_TRUE(add(divided)) << i;
  }
  for (const size_t zeroes : {1, 10, 11, 12, 22}) EXPECT_TRUE(add(seeded(std::string(zeroes, '\0')))) << zeroes;
  RandomStream number;
  number.mix(5);
  EXPECT_TRUE(add(number));
}

TEST(RandomStream, gives_its_children_streams_of_their_own) {
  RandomStream parent = seeded("machine");
  RandomStream one = parent.fork();
  RandomStream two = parent.fork();
  const auto of_parent = take(parent, 64), of_one = take(one, 64), of_two = take(two, 64);
  EXPECT_NE(of_one, of_two);
  EXPECT_NE(of_one, of_parent);
  EXPECT_NE(of_two, of_parent);
}

TEST(RandomStream, sets_each_bit_half_of_the_time) {
  RandomStream stream = seeded("bits");
  std::array<unsigned, 8> ones{};
  constexpr unsigned count = 80'000;
  for (const std::byte byte : take(stream, count)) {
    for (unsigned bit = 0; bit < 8; ++bit) ones[bit] += (static_cast<unsigned>(byte) >> bit) & 1;
  }
  for (const unsigned number : ones) EXPECT_NEAR(number, count / 2, 1000) << "seven standard deviations";
}

}  // namespace
