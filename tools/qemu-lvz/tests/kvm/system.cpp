// SPDX-License-Identifier: GPL-2.0-or-later
#include "system.hpp"

extern "C" long clone_thread(unsigned long flags, void* stack, sys::Entry entry, void* argument, int32_t* child_tid);

extern "C" void* memset(void* to, int value, size_t size) {
  auto* bytes = static_cast<volatile unsigned char*>(to);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<unsigned char>(value);
  return to;
}

extern "C" void* memcpy(void* to, const void* from, size_t size) {
  auto* bytes = static_cast<volatile unsigned char*>(to);
  const auto* source = static_cast<const unsigned char*>(from);
  for (size_t i = 0; i < size; ++i) bytes[i] = source[i];
  return to;
}

namespace sys {
namespace {

constexpr long at_working_folder = -100;
constexpr long prot_read_write = 3, map_shared = 1, map_private = 2, map_anonymous = 0x20;
constexpr long madv_dontneed = 4;
constexpr size_t stack_size = 0x40000;
constexpr long signal_user1 = 10;
// CLONE_VM, FS, FILES, SIGHAND, THREAD, SYSVSEM, CHILD_CLEARTID
constexpr unsigned long thread_flags = 0x100 | 0x200 | 0x400 | 0x800 | 0x10000 | 0x40000 | 0x200000;

struct Timespec {
  long seconds;
  long nanoseconds;
};

struct SignalAction {  // LoongArch has no restorer: the kernel's vDSO returns from the handler
  void (*handler)(int);
  unsigned long flags;
  uint64_t mask;
};

void do_nothing(int) {}

}  // namespace

long call(Call number, long a, long b, long c, long d, long e, long f) {
  register long a0 asm("a0") = a;
  register long a1 asm("a1") = b;
  register long a2 asm("a2") = c;
  register long a3 asm("a3") = d;
  register long a4 asm("a4") = e;
  register long a5 asm("a5") = f;
  register long a7 asm("a7") = static_cast<long>(number);
  asm volatile("syscall 0"
               : "+r"(a0)
               : "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5), "r"(a7)
               : "t0", "t1", "t2", "t3", "t4", "t5", "t6", "t7", "t8", "memory");
  return a0;
}

int open(const char* path, int flags) {
  return static_cast<int>(call(Call::openat, at_working_folder, as_long(path), flags));
}

void close(int descriptor) { call(Call::close, descriptor); }

long ioctl(int descriptor, unsigned long request, long argument) {
  return call(Call::ioctl, descriptor, static_cast<long>(request), argument);
}

void* map(size_t size, int descriptor) {
  const long flags = descriptor < 0 ? map_private | map_anonymous : map_shared;
  const long at = call(Call::mmap, 0, static_cast<long>(size), prot_read_write, flags, descriptor, 0);
  return at < 0 && at > -4096 ? nullptr : reinterpret_cast<void*>(at);
}

void unmap(void* at, size_t size) { call(Call::munmap, as_long(at), static_cast<long>(size)); }

void discard(void* at, size_t size) { call(Call::madvise, as_long(at), static_cast<long>(size), madv_dontneed); }

uint64_t milliseconds() {
  constexpr long monotonic = 1;
  Timespec now{};
  call(Call::clock_gettime, monotonic, as_long(&now));
  return static_cast<uint64_t>(now.seconds) * 1000 + static_cast<uint64_t>(now.nanoseconds) / 1000000;
}

void sleep_ms(unsigned ms) {
  const Timespec time{ms / 1000, static_cast<long>(ms % 1000) * 1000000};
  call(Call::nanosleep, as_long(&time), 0);
}

long Thread::start(Entry entry, void* argument) {
  stack_ = map(stack_size);
  if (!stack_) return -12;
  alive_ = 1;
  number_ = clone_thread(thread_flags, static_cast<unsigned char*>(stack_) + stack_size, entry, argument, &alive_);
  if (!failed(number_)) return 0;
  alive_ = 0;
  release();
  return number_;
}

void Thread::interrupt() const {
  const SignalAction action{do_nothing, 0, 0};  // without SA_RESTART
  call(Call::rt_sigaction, signal_user1, as_long(&action), 0, sizeof action.mask);
  call(Call::tgkill, call(Call::getpid), number_, signal_user1);
}

void Thread::release() {
  if (stack_) unmap(stack_, stack_size);
  stack_ = nullptr;
}

void power_off() {
  constexpr unsigned long tcsbrk = 0x5409;
  ioctl(1, tcsbrk, 1);  // wait until the console has sent what was written
  sleep_ms(200);
  call(Call::reboot, 0xfee1dead, 672274793, 0x4321fedc, 0);
  for (;;) sleep_ms(1000);
}

Line::~Line() {
  text_[size_++] = '\n';
  call(Call::write, 1, as_long(text_), static_cast<long>(size_));
}

Line& Line::operator<<(const char* text) {
  for (; *text; ++text) put(*text);
  return *this;
}

Line& Line::operator<<(uint64_t value) {
  char digits[20];
  size_t count = 0;
  do digits[count++] = static_cast<char>('0' + value % 10);
  while (value /= 10);
  while (count) put(digits[--count]);
  return *this;
}

Line& Line::hex(uint64_t value) {
  *this << "0x";
  int shift = 60;
  while (shift && !(value >> shift)) shift -= 4;
  for (; shift >= 0; shift -= 4) put("0123456789abcdef"[value >> shift & 0xF]);
  return *this;
}

}  // namespace sys
