// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

// What attacks on virtio queues share (Virtio 1.2, 2.7.5).
namespace hostile {

struct Descriptor {
  uint64_t place;
  uint32_t size;
  uint16_t flags, next;
};

// One store, where the device may be looking.
template <class T>
void put(T& where, T value) {
  *const_cast<volatile T*>(&where) = value;
}
inline void put(Descriptor& where, const Descriptor& value) {
  put(where.place, value.place);
  put(where.size, value.size);
  put(where.flags, value.flags);
  put(where.next, value.next);
}

}  // namespace hostile
