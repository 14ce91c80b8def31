// SPDX-License-Identifier: Apache-2.0
#include "hal/base/random_stream.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace hal {
namespace {

static_assert(std::endian::native == std::endian::little, "blocks are written as bytes as they are");

// Blocks that make output have a nonce of zeroes and count from 0; those that mix have the bytes as their nonce.
constexpr ChaChaNonce no_nonce{};
constexpr uint32_t mixing = UINT32_MAX;

ChaChaKey half_of(const ChaChaBlock& block) {
  ChaChaKey key;
  std::copy_n(block.begin(), key.size(), key.begin());
  return key;
}

}  // namespace

// A chain of calls of a pseudorandom function: 11 bytes at a time, and how many of them count; the last has fewer
// than 11.
void RandomStream::mix(std::span<const std::byte> bytes) {
  constexpr size_t piece = sizeof(ChaChaNonce) - 1;
  bool more = true;
  while (more) {
    const size_t count = std::min(bytes.size(), piece);
    more = count == piece;
    std::array<std::byte, sizeof(ChaChaNonce)> text{};
    std::copy_n(bytes.begin(), count, text.begin());
    text.back() = static_cast<std::byte>(count);
    key_ = half_of(chacha20_block(key_, mixing, std::bit_cast<ChaChaNonce>(text)));
    bytes = bytes.subspan(count);
  }
}

void RandomStream::mix(uint64_t number) { mix(std::as_bytes(std::span(&number, 1))); }

void RandomStream::fill(std::span<std::byte> bytes) {
  // As many as there are block numbers for, and the last of these is for mixing.
  constexpr size_t most = sizeof(ChaChaKey) + size_t{UINT32_MAX - 1} * sizeof(ChaChaBlock);
  while (true) {
    const auto now = bytes.first(std::min(bytes.size(), most));
    const ChaChaKey key = key_;
    ChaChaBlock block = chacha20_block(key, 0, no_nonce);
    key_ = half_of(block);
    auto text = std::as_bytes(std::span(block)).subspan(sizeof(ChaChaKey));
    uint32_t counter = 0;
    for (auto rest = now; !rest.empty();) {
      const size_t count = std::min(rest.size(), text.size());
      std::memcpy(rest.data(), text.data(), count);
      rest = rest.subspan(count);
      if (rest.empty()) break;
      block = chacha20_block(key, ++counter, no_nonce);
      text = std::as_bytes(std::span(block));
    }
    bytes = bytes.subspan(now.size());
    if (bytes.empty()) return;
  }
}

RandomStream RandomStream::fork() {
  std::array<std::byte, sizeof(ChaChaKey)> seed;
  fill(seed);
  RandomStream child;
  child.key_ = std::bit_cast<ChaChaKey>(seed);
  return child;
}

}  // namespace hal
