// SPDX-License-Identifier: Apache-2.0
// The functions that the compiler may call on its own (GCC manual, "Standards": memcpy, memmove, memset, memcmp), and
// the few of <string.h> that libc++'s headers use. Word by word where alignment allows; big zeroing goes through
// hal::Mmu::zero_pages().
#include <cstddef>
#include <cstdint>

// The loops below must not be compiled into calls of the functions they implement.
#define PLINTH_PLAIN_LOOP __attribute__((no_builtin))

namespace {

using Word [[gnu::may_alias]] = uint64_t;

bool all_aligned(const void* a, const void* b) {
  return ((reinterpret_cast<uintptr_t>(a) | reinterpret_cast<uintptr_t>(b)) & (sizeof(Word) - 1)) == 0;
}

PLINTH_PLAIN_LOOP void copy_up(std::byte* to, const std::byte* from, size_t count) {
  if (all_aligned(to, from)) {
    for (; count >= sizeof(Word); count -= sizeof(Word), to += sizeof(Word), from += sizeof(Word)) {
      *reinterpret_cast<Word*>(to) = *reinterpret_cast<const Word*>(from);
    }
  }
  while (count-- > 0) *to++ = *from++;
}

PLINTH_PLAIN_LOOP void copy_down(std::byte* to, const std::byte* from, size_t count) {
  while (count-- > 0) to[count] = from[count];
}

}  // namespace

extern "C" {

PLINTH_PLAIN_LOOP void* memcpy(void* __restrict to, const void* __restrict from, size_t count) {
  copy_up(static_cast<std::byte*>(to), static_cast<const std::byte*>(from), count);
  return to;
}

PLINTH_PLAIN_LOOP void* memmove(void* to, const void* from, size_t count) {
  auto* const destination = static_cast<std::byte*>(to);
  const auto* const source = static_cast<const std::byte*>(from);
  if (destination <= source || destination >= source + count) {
    copy_up(destination, source, count);
  } else {
    copy_down(destination, source, count);
  }
  return to;
}

PLINTH_PLAIN_LOOP void* memset(void* to, int value, size_t count) {
  auto* place = static_cast<std::byte*>(to);
  const auto byte = static_cast<std::byte>(value);
  while (count > 0 && !all_aligned(place, nullptr)) *place++ = byte, --count;
  const Word word = 0x0101'0101'0101'0101 * static_cast<unsigned char>(value);
  for (; count >= sizeof(Word); count -= sizeof(Word), place += sizeof(Word)) *reinterpret_cast<Word*>(place) = word;
  while (count-- > 0) *place++ = byte;
  return to;
}

PLINTH_PLAIN_LOOP int memcmp(const void* a, const void* b, size_t count) {
  const auto* left = static_cast<const unsigned char*>(a);
  const auto* right = static_cast<const unsigned char*>(b);
  for (; count > 0; --count, ++left, ++right) {
    if (*left != *right) return *left < *right ? -1 : 1;
  }
  return 0;
}

PLINTH_PLAIN_LOOP void* memchr(const void* in, int value, size_t count) {
  const auto* place = static_cast<const unsigned char*>(in);
  for (; count > 0; --count, ++place) {
    if (*place == static_cast<unsigned char>(value)) return const_cast<unsigned char*>(place);
  }
  return nullptr;
}

PLINTH_PLAIN_LOOP size_t strlen(const char* text) {
  size_t length = 0;
  while (text[length] != 0) ++length;
  return length;
}

}  // extern "C"
