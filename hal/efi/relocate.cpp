// SPDX-License-Identifier: Apache-2.0
#include "hal/efi/relocate.hpp"

#include <cstring>

namespace hal::efi {
namespace {

constexpr uint64_t word = sizeof(uint64_t);

bool move(std::span<std::byte> image, uint64_t offset, uint64_t distance) {
  if (offset > image.size() || image.size() - offset < word) return false;
  uint64_t address;
  std::memcpy(&address, image.data() + offset, word);
  address += distance;
  std::memcpy(image.data() + offset, &address, word);
  return true;
}

}  // namespace

// An even entry is the place of one address. An odd one is a map of the 63 words after the last place: bit n + 1 is
// word n.
bool relocate(std::span<std::byte> image, std::span<const uint64_t> table, HostVirt linked, HostVirt place) {
  constexpr unsigned mapped_words = 63;
  const uint64_t distance = place - linked;
  uint64_t next = 0;  // offset of the first word that the next map means
  for (const uint64_t entry : table) {
    if ((entry & 1) == 0) {
      const uint64_t offset = entry - linked.value();
      if (!move(image, offset, distance)) return false;
      next = offset + word;
      continue;
    }
    for (unsigned n = 0; n < mapped_words; ++n) {
      if (((entry >> (n + 1)) & 1) != 0 && !move(image, next + n * word, distance)) return false;
    }
    next += mapped_words * word;
  }
  return true;
}

}  // namespace hal::efi
