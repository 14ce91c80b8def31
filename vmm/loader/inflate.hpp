// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "hal/base/address.hpp"
#include "hal/base/result.hpp"
#include "vmm/loader/error.hpp"
#include "vmm/loader/guest_memory.hpp"

namespace vmm {

// Takes decompressed bytes in order.
class InflateOutput {
 public:
  enum class More : uint8_t { yes, no };
  // The bytes are only valid during the call. `no` ends the decompression early, without an error.
  virtual hal::Result<More, LoadError> put(std::span<const std::byte> bytes) = 0;

 protected:
  ~InflateOutput() = default;
};

// Is this the beginning of a gzip member (RFC 1952)?
[[nodiscard]] bool is_gzip(std::span<const std::byte> file);

// A canonical Huffman code (RFC 1951 section 3.2.2): how many codes there are of each length, and the symbols in code
// order. Short codes are looked up, longer ones counted out bit by bit.
class HuffmanCode {
 public:
  static constexpr size_t max_symbols = 288;
  static constexpr unsigned max_length = 15;
  static constexpr unsigned fast_bits = 9;

  struct Decoded {
    uint16_t symbol;
    uint8_t length;  // in bits; 0: no code begins like this
  };

  // `lengths` has one entry per symbol, 0 for unused ones. False for a set of lengths that is no prefix code. An
  // incomplete code is accepted only where RFC 1951 allows it: a single code of one bit.
  [[nodiscard]] bool build(std::span<const uint8_t> lengths);
  // The code that the low bits of `bits` begin with.
  [[nodiscard]] Decoded decode(uint64_t bits) const;

 private:
  [[nodiscard]] Decoded decode_long(uint64_t bits) const;

  std::array<uint16_t, max_length + 1> count_;
  std::array<uint16_t, max_symbols> symbol_;
  std::array<uint16_t, 1U << fast_bits> fast_;  // length << 12 | symbol; 0: longer than fast_bits, or unused
};

// Decompresses gzip members of any origin: reads nothing outside the input, ends on any input, keeps its state in
// itself. The work is bounded by the input's size, and what yields nothing is given up: a header of more than
// max_header, or max_empty_blocks in a row. An object is about 36 KiB; the caller says where it lives and may use it for one file after the other.
class Inflater {
 public:
  static constexpr size_t max_header = 256 * hal::kib;
  // Writers that flush make one or two.
  static constexpr unsigned max_empty_blocks = 64;

  // Unpack the first member of `file`; whatever follows it is ignored. CRC and length are checked when the end is
  // reached, after all output is out. `progress` is called after each LoadProgress::slice of work.
  [[nodiscard]] hal::Result<void, LoadError> gunzip(std::span<const std::byte> file, InflateOutput& output,
                                                    LoadProgress* progress = nullptr);

 private:
  class Run;

  static constexpr size_t window_size = 32 * hal::kib;  // RFC 1951 section 2: the farthest distance
  std::array<std::byte, window_size> window_;
  bool fixed_ = false;  // the codes are those of section 3.2.6
  HuffmanCode literals_;
  HuffmanCode distances_;
};

}  // namespace vmm
