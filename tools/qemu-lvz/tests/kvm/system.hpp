// SPDX-License-Identifier: GPL-2.0-or-later
//
// System calls and output for a program without a C library (Linux, loongarch64).
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace sys {

enum class Call : long {
  ioctl = 29,
  mkdirat = 34,
  mount = 40,
  openat = 56,
  close = 57,
  lseek = 62,
  read = 63,
  write = 64,
  exit = 93,
  exit_group = 94,
  nanosleep = 101,
  clock_gettime = 113,
  tgkill = 131,
  rt_sigaction = 134,
  reboot = 142,
  getpid = 172,
  munmap = 215,
  mmap = 222,
  madvise = 233,
};

long call(Call number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0, long f = 0);

template <typename Pointer>
long as_long(Pointer* pointer) {
  return reinterpret_cast<long>(pointer);
}

/// A descriptor, or a negative errno. Relative paths are not used.
int open(const char* path, int flags);
constexpr int read_only = 0, read_write = 2, non_blocking = 04000;
void close(int descriptor);
long ioctl(int descriptor, unsigned long request, long argument = 0);
template <typename Argument>
long ioctl(int descriptor, unsigned long request, Argument* argument) {
  return ioctl(descriptor, request, as_long(argument));
}

constexpr long failed(long result) { return result < 0; }

/// Anonymous memory when `descriptor` is -1; null when there is none.
void* map(size_t size, int descriptor = -1);
void unmap(void* at, size_t size);
/// Gives the pages back: they read 0 afterwards.
void discard(void* at, size_t size);

uint64_t milliseconds();
void sleep_ms(unsigned ms);

using Entry = void (*)(void*);
/// A thread with a stack of its own that ends when its entry returns. It stays where it is while it runs: the kernel
/// writes to it at the end.
class Thread {
 public:
  /// 0, or a negative errno.
  long start(Entry entry, void* argument);
  /// Nothing of it runs any more, and what it wrote is seen.
  bool is_over() const { return __atomic_load_n(&alive_, __ATOMIC_ACQUIRE) == 0; }
  /// Ends the system call that it sleeps in, with EINTR.
  void interrupt() const;
  /// Gives the stack back, when it is over.
  void release();

 private:
  void* stack_ = nullptr;
  long number_ = 0;
  int32_t alive_ = 0;
};

[[noreturn]] void power_off();

/// Several threads may print; a line is one write.
class Line {
 public:
  ~Line();
  Line& operator<<(const char* text);
  Line& operator<<(uint64_t value);
  Line& operator<<(unsigned value) { return *this << uint64_t{value}; }
  Line& hex(uint64_t value);

 private:
  void put(char c) {
    if (size_ < sizeof text_ - 1) text_[size_++] = c;
  }
  char text_[240];
  size_t size_ = 0;
};

}  // namespace sys
