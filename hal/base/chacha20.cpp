// SPDX-License-Identifier: Apache-2.0
#include "hal/base/chacha20.hpp"

#include <algorithm>
#include <bit>
#include <cstddef>

namespace hal {
namespace {

// RFC 8439, 2.1.
void quarter_round(ChaChaBlock& state, size_t a, size_t b, size_t c, size_t d) {
  const auto step = [&](size_t sum, size_t addend, size_t target, int distance) {
    state[sum] += state[addend];
    state[target] = std::rotl(state[target] ^ state[sum], distance);
  };
  step(a, b, d, 16);
  step(c, d, b, 12);
  step(a, b, d, 8);
  step(c, d, b, 7);
}

}  // namespace

ChaChaBlock chacha20_block(const ChaChaKey& key, uint32_t counter, const ChaChaNonce& nonce) {
  // "expand 32-byte k".
  ChaChaBlock start{0x6170'7865, 0x3320'646e, 0x7962'2d32, 0x6b20'6574};
  std::ranges::copy(key, start.begin() + 4);
  start[12] = counter;
  std::ranges::copy(nonce, start.begin() + 13);
  ChaChaBlock state = start;
  for (int round = 0; round < 20; round += 2) {
    for (size_t i = 0; i < 4; ++i) quarter_round(state, i, i + 4, i + 8, i + 12);
    for (size_t i = 0; i < 4; ++i) quarter_round(state, i, (i + 1) % 4 + 4, (i + 2) % 4 + 8, (i + 3) % 4 + 12);
  }
  for (size_t i = 0; i < state.size(); ++i) state[i] += start[i];
  return state;
}

}  // namespace hal
