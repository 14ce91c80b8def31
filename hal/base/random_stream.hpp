// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "hal/base/chacha20.hpp"

namespace hal {

// A generator of random bytes: ChaCha20 with fast key erasure. Its whole state is a key. Each call makes blocks from
// it, the first half block becomes the next key, and the rest goes out:
//
//     key --block 0--> next key | 32 bytes --block 1--> 64 bytes --block 2--> ...
//
// So whoever learns the key can compute nothing that was made before, and what was made tells nothing of the key, or of
// any other stream's. It is as unpredictable as the most unpredictable of what was mixed in. Not locked.
class RandomStream {
 public:
  constexpr RandomStream() = default;

  // Make the key depend on these bytes as well. They may be known to anybody, and it does no harm; how much was mixed
  // in in one call, and in which order, counts.
  void mix(std::span<const std::byte> bytes);
  void mix(uint64_t number);
  void fill(std::span<std::byte> bytes);
  // A stream of its own for somebody else.
  [[nodiscard]] RandomStream fork();

 private:
  ChaChaKey key_{};
};

}  // namespace hal
