// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

namespace hal {

// The ChaCha20 block function (RFC 8439, 2.3): 64 bytes from a key of 32, a counter and a nonce of 12. Words are
// numbers: byte strings are read and written little-endian. No branch and no address depends on the key.
using ChaChaKey = std::array<uint32_t, 8>;
using ChaChaNonce = std::array<uint32_t, 3>;
using ChaChaBlock = std::array<uint32_t, 16>;
[[nodiscard]] ChaChaBlock chacha20_block(const ChaChaKey& key, uint32_t counter, const ChaChaNonce& nonce);

}  // namespace hal
