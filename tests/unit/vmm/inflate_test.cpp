// SPDX-License-Identifier: Apache-2.0
#include "vmm/loader/inflate.hpp"

#include <gtest/gtest.h>
#include <zlib.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

namespace {

using vmm::InflateOutput;
using vmm::LoadError;
using Kind = vmm::LoadError::Kind;
using Bytes = std::vector<std::byte>;

class Collector final : public InflateOutput {
 public:
  hal::Result<More, LoadError> put(std::span<const std::byte> bytes) override {
    data.insert(data.end(), bytes.begin(), bytes.end());
    return data.size() >= stop_at ? More::no : More::yes;
  }
  Bytes data;
  size_t stop_at = SIZE_MAX;
};

class StepCounter final : public vmm::LoadProgress {
 public:
  void step() override { ++steps; }
  unsigned steps = 0;
};

// zlib's own compressor is the oracle.
Bytes gzip(const Bytes& data, int level = 6, int strategy = Z_DEFAULT_STRATEGY) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, level, Z_DEFLATED, 15 + 16, 8, strategy), Z_OK);
  Bytes packed(deflateBound(&stream, data.size()) + 32);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(data.data()));
  stream.avail_in = static_cast<uInt>(data.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

Bytes random_bytes(size_t size, unsigned seed, unsigned symbols) {
  std::mt19937 random(seed);
  Bytes data(size);
  for (std::byte& b : data) b = static_cast<std::byte>(random() % symbols);
  return data;
}

// Repetitions near and far, as code has them.
Bytes program_like(size_t size, unsigned seed) {
  std::mt19937 random(seed);
  Bytes data;
  while (data.size() < size) {
    if (data.size() > 100 && random() % 3 != 0) {
      const size_t distance = 1 + random() % std::min<size_t>(data.size(), 40'000);
      const size_t length = 1 + random() % 400;
      for (size_t i = 0; i < length; ++i) data.push_back(data[data.size() - distance]);
    } else {
      data.push_back(static_cast<std::byte>(random()));
    }
  }
  data.resize(size);
  return data;
}

class Inflate : public testing::Test {
 protected:
  hal::Result<void, LoadError> unpack(const Bytes& file) {
    // Exactly as large as the file, so that the sanitizer sees a read beyond it.
    const auto exact = std::make_unique<std::byte[]>(file.size());
    std::ranges::copy(file, exact.get());
    collector.data.clear();
    return inflater->gunzip({exact.get(), file.size()}, collector, &progress);
  }
  void expect_round_trip(const Bytes& data, const Bytes& file) {
    const auto result = unpack(file);
    ASSERT_TRUE(result.ok()) << static_cast<int>(result.error().kind);
    ASSERT_EQ(collector.data, data);
  }
  void expect_error(const Bytes& file, Kind kind) {
    const auto result = unpack(file);
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().kind, kind);
  }

  std::unique_ptr<vmm::Inflater> inflater = std::make_unique<vmm::Inflater>();
  Collector collector;
  StepCounter progress;
};

TEST_F(Inflate, unpacks_what_zlib_packed) {
  for (const size_t size : {0U, 1U, 2U, 100U, 32'767U, 32'768U, 32'769U, 65'536U, 300'000U}) {
    for (const int level : {0, 1, 6, 9}) {
      for (const int strategy : {Z_DEFAULT_STRATEGY, Z_HUFFMAN_ONLY, Z_FIXED, Z_RLE}) {
        const Bytes code = program_like(size, static_cast<unsigned>(size));
        expect_round_trip(code, gzip(code, level, strategy));
      }
      const Bytes noise = random_bytes(size, 3, 256);
      expect_round_trip(noise, gzip(noise, level));
      const Bytes zeros(size);
      expect_round_trip(zeros, gzip(zeros, level));
      const Bytes few = random_bytes(size, 4, 3);
      expect_round_trip(few, gzip(few, level));
    }
  }
}

TEST_F(Inflate, may_be_used_again_after_an_error) {
  const Bytes data = program_like(100'000, 5);
  Bytes file = gzip(data);
  file[file.size() / 2] ^= std::byte{0x55};
  EXPECT_FALSE(unpack(file).ok());
  expect_round_trip(data, gzip(data));
}

TEST_F(Inflate, skips_every_optional_part_of_the_header) {
  const Bytes data = program_like(1'000, 6);
  const Bytes plain = gzip(data);
  Bytes file(plain.begin(), plain.begin() + 10);
  file[3] = std::byte{4 | 8 | 16};
  for (const char c : std::string("\x03", 1)) file.push_back(static_cast<std::byte>(c));
  file.push_back(std::byte{0});
  for (const char c : std::string("xyzname\0comment\0", 16)) file.push_back(static_cast<std::byte>(c));
  Bytes with_crc = file;
  file.insert(file.end(), plain.begin() + 10, plain.end());
  expect_round_trip(data, file);

  with_crc[3] |= std::byte{2};
  const uLong crc = crc32(0, reinterpret_cast<const Bytef*>(with_crc.data()), static_cast<uInt>(with_crc.size()));
  with_crc.push_back(static_cast<std::byte>(crc));
  with_crc.push_back(static_cast<std::byte>(crc >> 8));
  with_crc.insert(with_crc.end(), plain.begin() + 10, plain.end());
  expect_round_trip(data, with_crc);
  with_crc[12] ^= std::byte{1};
  expect_error(with_crc, Kind::bad_checksum);
}

TEST_F(Inflate, ignores_what_follows_the_first_member) {
  const Bytes data = program_like(1'000, 7);
  Bytes file = gzip(data);
  file.resize(file.size() + 512);
  expect_round_trip(data, file);
}

TEST_F(Inflate, reports_every_truncation) {
  const Bytes file = gzip(program_like(3'000, 8));
  for (size_t size = 0; size < file.size(); ++size) {
    const auto result = unpack(Bytes(file.begin(), file.begin() + static_cast<ptrdiff_t>(size)));
    ASSERT_FALSE(result.ok()) << size;
    ASSERT_EQ(result.error().kind, size < 2 ? Kind::bad_gzip_header : Kind::truncated) << size;
  }
}

TEST_F(Inflate, checks_length_and_checksum) {
  const Bytes file = gzip(program_like(3'000, 9));
  for (size_t i = file.size() - 8; i < file.size(); ++i) {
    Bytes damaged = file;
    damaged[i] ^= std::byte{1};
    expect_error(damaged, Kind::bad_checksum);
  }
}

TEST_F(Inflate, refuses_foreign_headers) {
  const Bytes file = gzip(program_like(10, 1));
  for (const auto& [offset, value] : {std::pair{0, 0x1e}, {1, 0x8c}, {2, 7}, {3, 0x20}, {3, 0x80}}) {
    Bytes damaged = file;
    damaged[static_cast<size_t>(offset)] = static_cast<std::byte>(value);
    expect_error(damaged, Kind::bad_gzip_header);
  }
}

Bytes raw_deflate(std::initializer_list<int> bytes) {
  Bytes file{std::byte{0x1f}, std::byte{0x8b}, std::byte{8}};
  file.resize(10);
  for (const int b : bytes) file.push_back(static_cast<std::byte>(b));
  file.resize(file.size() + 16);
  return file;
}

TEST_F(Inflate, refuses_streams_that_break_the_format) {
  expect_error(raw_deflate({0x07}), Kind::bad_deflate);                          // block type 3
  expect_error(raw_deflate({0x01, 0x01, 0x00, 0x00, 0x00}), Kind::bad_deflate);  // stored: length against complement
  expect_error(raw_deflate({0x03, 0x02}), Kind::bad_deflate);                    // fixed: copies from before the start
  expect_error(raw_deflate({0xfd, 0x1f}), Kind::bad_deflate);                    // dynamic: more literals than exist
  expect_error(raw_deflate({0x05, 0x00, 0x00, 0x00}), Kind::bad_deflate);        // dynamic: no code at all
}

TEST_F(Inflate, stops_when_the_output_has_enough) {
  collector.stop_at = 1;
  const auto result = unpack(gzip(program_like(500'000, 10)));
  EXPECT_TRUE(result.ok());
  EXPECT_EQ(collector.data.size(), 32'768U);
}

TEST_F(Inflate, lets_others_run_while_it_works) {
  const Bytes file = gzip(Bytes(8 * hal::mib));
  EXPECT_TRUE(unpack(file).ok());
  EXPECT_GE(progress.steps, 8 * hal::mib / vmm::LoadProgress::slice);
}

// A gzip file of `blocks` empty blocks with fixed codes (RFC 1951, section 3.2.6), 10 bits each, after `each` of which
// comes one that holds a byte.
Bytes mostly_empty(unsigned blocks, unsigned each) {
  Bytes file = raw_deflate({});
  file.resize(10);
  unsigned bits = 0;
  unsigned count = 0;
  const auto put = [&](unsigned value, unsigned width) {
    bits |= value << count;
    for (count += width; count >= 8; count -= 8, bits >>= 8) file.push_back(static_cast<std::byte>(bits));
  };
  for (unsigned i = 1; i <= blocks; ++i) {
    put(0b010, 3);
    if (i % each == 0) put(0b0000'1100, 8);  // literal 0, its code 00110000 with the first bit lowest
    put(0, 7);
  }
  put(0b011, 3);
  put(0, 7);
  put(0, 7);
  return file;
}

TEST_F(Inflate, gives_up_a_file_that_keeps_it_busy_for_nothing) {
  expect_error(mostly_empty(1'000'000, 2'000'000), Kind::idle_deflate);
  EXPECT_LT(progress.steps, 10U);
  Bytes stored = raw_deflate({});
  stored.resize(10);
  for (unsigned i = 0; i < 100'000; ++i) {
    for (const int b : {0x00, 0x00, 0x00, 0xff, 0xff}) stored.push_back(static_cast<std::byte>(b));
  }
  expect_error(stored, Kind::idle_deflate);
}

TEST_F(Inflate, counts_blocks_as_work_even_when_they_hold_little) {
  expect_error(mostly_empty(100'000, vmm::Inflater::max_empty_blocks), Kind::truncated);
  EXPECT_GT(progress.steps, 1'000U);
  EXPECT_EQ(collector.data.size(), 100'000 / vmm::Inflater::max_empty_blocks);
}

TEST_F(Inflate, gives_up_a_header_without_an_end) {
  Bytes file = raw_deflate({});
  file.resize(10);
  file[3] = std::byte{8};  // a name follows
  file.resize(vmm::Inflater::max_header + 100, std::byte{'a'});
  expect_error(file, Kind::bad_gzip_header);
}

TEST_F(Inflate, survives_any_damage) {
  const Bytes file = gzip(program_like(20'000, 11));
  std::mt19937 random(12);
  for (unsigned i = 0; i < 1'000; ++i) {
    Bytes damaged = file;
    for (unsigned flips = 1 + static_cast<unsigned>(random() % 4); flips-- > 0;) {
      damaged[10 + random() % (damaged.size() - 10)] = static_cast<std::byte>(random());
    }
    if (unpack(damaged).ok()) {
      EXPECT_EQ(collector.data.size(), 20'000U);
    }
  }
}

}  // namespace
