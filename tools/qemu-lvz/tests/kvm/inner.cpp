// SPDX-License-Identifier: GPL-2.0-or-later
//
// init of the Linux that runs as a guest under KVM: two threads that compute, fault and sleep on both vCPUs, then one
// line to the kernel's log. It never ends; its machine does.
#include "linux_guest.hpp"
#include "system.hpp"

namespace {

constexpr size_t area_size = 8 << 20;
constexpr unsigned passes = 6;

volatile unsigned finished[2];
volatile bool wrong;

/// Writes and reads back memory that was never touched, several times, with sleeps between.
void work(void* argument) {
  const auto number = reinterpret_cast<uintptr_t>(argument);
  for (unsigned pass = 0; pass < passes; ++pass) {
    auto* area = static_cast<uint64_t*>(sys::map(area_size));
    if (!area) wrong = true;
    for (size_t i = 0; area && i < area_size / 8; i += 64) area[i] = i * (pass + 3) + number;
    sys::sleep_ms(20);
    for (size_t i = 0; area && i < area_size / 8; i += 64) {
      if (area[i] != i * (pass + 3) + number) wrong = true;
    }
    if (area) sys::unmap(area, area_size);
  }
  finished[number] = 1;
}

unsigned count_cpus() {
  static char text[8192];
  const int file = sys::open("/proc/cpuinfo", sys::read_only);
  size_t size = 0;
  for (;;) {
    const long got =
        sys::call(sys::Call::read, file, sys::as_long(text + size), static_cast<long>(sizeof text - 1 - size));
    if (got <= 0) break;
    size += static_cast<size_t>(got);
  }
  constexpr char word[] = "core\t";
  unsigned count = 0;
  for (size_t at = 0; at + sizeof word < size; ++at) {
    size_t i = 0;
    while (word[i] && text[at + i] == word[i]) ++i;
    count += !word[i] && (at == 0 || text[at - 1] == '\n');
  }
  return count;
}

void log(const char* text, size_t size) {
  const int file = sys::open("/dev/kmsg", 1);
  sys::call(sys::Call::write, file, sys::as_long(text), static_cast<long>(size));
  sys::close(file);
}

}  // namespace

extern "C" [[noreturn]] void program() {
  constexpr const char* mounts[][2] = {{"devtmpfs", "/dev"}, {"proc", "/proc"}};
  for (const auto& [type, at] : mounts) {
    sys::call(sys::Call::mkdirat, -100, sys::as_long(at), 0755);
    sys::call(sys::Call::mount, sys::as_long(type), sys::as_long(at), sys::as_long(type));
  }
  log("lvz-inner: started\n", 19);
  static sys::Thread threads[2];
  for (uintptr_t number = 0; number < 2; ++number) {
    if (sys::failed(threads[number].start(work, reinterpret_cast<void*>(number)))) wrong = true;
  }
  while (!(finished[0] && finished[1])) sys::sleep_ms(10);
  const unsigned cpus = count_cpus();
  char line[] = "lvz-inner: done, 0 CPUs\n";
  line[17] = static_cast<char>('0' + cpus % 10);
  if (wrong)
    log("lvz-inner: wrong\n", 17);
  else
    log(line, sizeof line - 1);
  for (;;) sys::sleep_ms(1000);
}
