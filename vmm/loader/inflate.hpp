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

// Decompresses gzip members (RFC 1952 around RFC 1951) of any origin: reads nothing outside the input, terminates on
// any input, keeps its state in itself. Output goes out in pieces of up to LoadProgress::slice's half, so that its size
// needs not be known. An object is about 35 KiB: the caller places it, and may use it again for the next file.
class Inflater {
 public:
  // Unpack the first member of `file`; whatever follows it is ignored. Checks CRC and length when it got to the end.
  [[nodiscard]] hal::Result<void, LoadError> gunzip(std::span<const std::byte> file, InflateOutput& output,
                                                    LoadProgress* progress = nullptr);

 private:
  // A canonical Huffman code: how many codes there are of each length, and the symbols in code order.
  template <size_t Symbols>
  struct Huffman {
    std::array<uint16_t, 16> count;
    std::array<uint16_t, Symbols> symbol;
    std::array<uint16_t, 512> fast;  // by the next 9 bits: length << 12 | symbol... 0: the code is longer
  };
  friend struct InflateRun;

  static constexpr size_t window_size = 32 * hal::kib;  // RFC 1951 section 2: the farthest distance
  std::array<std::byte, window_size> window_;
  Huffman<288> literals_;
  Huffman<32> distances_;
};

}  // namespace vmm
