// SPDX-License-Identifier: Apache-2.0
// The functions that the compiler may call on its own (GCC manual, "Standards": memcpy, memmove, memset, memcmp), and
// the few of <string.h> that libc++'s headers use. Word by word, wherever the words begin: normal memory takes
// unaligned accesses. Big zeroing goes through hal::Mmu::zero_pages().
#include <bit>
#include <cstddef>
#include <cstdint>

// The loops below must not be compiled into calls of the functions they implement.
#define PLINTH_PLAIN_LOOP __attribute__((no_builtin))

namespace {

using Byte = unsigned char;
using Word = uint64_t;
constexpr size_t word_size = sizeof(Word);
constexpr Word each_byte = 0x0101'0101'0101'0101;
static_assert(std::endian::native == std::endian::little, "memchr() takes the lowest byte of a word for the first");

Word load(const Byte* place) {
  Word word;
  __builtin_memcpy(&word, place, word_size);
  return word;
}
void store(Byte* place, Word word) { __builtin_memcpy(place, &word, word_size); }

// How much the loops move in one step.
constexpr size_t step = 4 * word_size;

// A step is loaded before it is stored, and what it overwrites of the source has been read: good for overlapping memory
// as well, if `to` is the lower one.
PLINTH_PLAIN_LOOP void copy_up(Byte* to, const Byte* from, size_t count) {
  for (; count >= step; count -= step, to += step, from += step) {
    const Word first = load(from);
    const Word second = load(from + word_size);
    const Word third = load(from + 2 * word_size);
    const Word fourth = load(from + 3 * word_size);
    store(to, first);
    store(to + word_size, second);
    store(to + 2 * word_size, third);
    store(to + 3 * word_size, fourth);
  }
#pragma clang loop unroll(disable)
  for (; count >= word_size; count -= word_size, to += word_size, from += word_size) store(to, load(from));
#pragma clang loop unroll(disable)
  while (count-- > 0) *to++ = *from++;
}

PLINTH_PLAIN_LOOP void copy_down(Byte* to, const Byte* from, size_t count) {
#pragma clang loop unroll(disable)
  for (; count >= word_size; count -= word_size) store(to + count - word_size, load(from + count - word_size));
#pragma clang loop unroll(disable)
  while (count-- > 0) to[count] = from[count];
}

// The lowest bit that is set is in the lowest byte of `word` that is zero. Higher ones may be a borrow's.
constexpr Word zero_bytes(Word word) { return (word - each_byte) & ~word & each_byte << 7; }

}  // namespace

extern "C" {

[[gnu::noinline]] PLINTH_PLAIN_LOOP void* memcpy(void* __restrict to, const void* __restrict from, size_t count) {
  copy_up(static_cast<Byte*>(to), static_cast<const Byte*>(from), count);
  return to;
}

PLINTH_PLAIN_LOOP void* memmove(void* to, const void* from, size_t count) {
  auto* const destination = static_cast<Byte*>(to);
  const auto* const source = static_cast<const Byte*>(from);
  if (destination <= source || destination >= source + count) return memcpy(to, from, count);
  copy_down(destination, source, count);
  return to;
}

PLINTH_PLAIN_LOOP void* memset(void* to, int value, size_t count) {
  auto* place = static_cast<Byte*>(to);
  const auto byte = static_cast<Byte>(value);
  const Word word = each_byte * byte;
  for (; count >= 2 * step; count -= 2 * step, place += 2 * step) {
    for (size_t i = 0; i < 2 * step; i += word_size) store(place + i, word);
  }
#pragma clang loop unroll(disable)
  for (; count >= word_size; count -= word_size, place += word_size) store(place, word);
#pragma clang loop unroll(disable)
  while (count-- > 0) *place++ = byte;
  return to;
}

PLINTH_PLAIN_LOOP int memcmp(const void* a, const void* b, size_t count) {
  const auto* left = static_cast<const Byte*>(a);
  const auto* right = static_cast<const Byte*>(b);
  while (count >= word_size && load(left) == load(right)) {
    left += word_size, right += word_size, count -= word_size;
  }
  for (; count > 0; --count, ++left, ++right) {
    if (*left != *right) return *left < *right ? -1 : 1;
  }
  return 0;
}

PLINTH_PLAIN_LOOP void* memchr(const void* in, int value, size_t count) {
  const auto* place = static_cast<const Byte*>(in);
  const Word wanted = each_byte * static_cast<Byte>(value);
  for (; count >= word_size; count -= word_size, place += word_size) {
    const Word found = zero_bytes(load(place) ^ wanted);
    if (found != 0) return const_cast<Byte*>(place + std::countr_zero(found) / 8);
  }
  for (; count > 0; --count, ++place) {
    if (*place == static_cast<Byte>(value)) return const_cast<Byte*>(place);
  }
  return nullptr;
}

PLINTH_PLAIN_LOOP size_t strlen(const char* text) {
  size_t length = 0;
  while (text[length] != 0) ++length;
  return length;
}

}  // extern "C"
