// SPDX-License-Identifier: Apache-2.0
// RAM: all of it there, zero where nothing was loaded, and shared between cached and uncached views.
#include "batteries.hpp"
#include "check.hpp"
#include "cpu.hpp"
#include "machine.hpp"

using namespace guest;

namespace probe {

namespace {
constexpr uint64_t page = 4096;
constexpr uint64_t mebibyte = uint64_t{1} << 20;

bool is_zero(uint64_t from, uint64_t size) {
  for (uint64_t at = from; at < from + size; at += 8) {
    if (read64(at) != 0) return false;
  }
  return true;
}
}  // namespace

void memory() {
  if (machine.tree == nullptr || machine.ram.size < 8 * mebibyte) {
    return check("the_device_tree_describes_ram", false);
  }
  check_equal("ram_starts_where_virt_has_it", machine.ram.start.value(), ram_base);
  const hal::HostPhysRange free = unused_ram();
  const uint64_t start = free.start.value();
  check("unused_ram_is_zero_at_its_start", is_zero(start, mebibyte));
  check("unused_ram_is_zero_at_its_end", is_zero(start + free.size - mebibyte, mebibyte));

  for (uint64_t at = start; at < start + free.size; at += page) write64(at, at ^ 0x5a5a);
  bool kept = true;
  for (uint64_t at = start; at < start + free.size; at += page) kept = kept && read64(at) == (at ^ 0x5a5a);
  check("every_page_of_ram_keeps_its_own_value", kept);
  for (uint64_t at = start; at < start + free.size; at += page) write64(at, 0);

  check_quiet("an_unaligned_load_from_ram_works", attempt([=] { (void)read64(start + 3); }));
  check_quiet("the_last_word_of_ram_is_there", attempt([&] { (void)read64(start + free.size - 8); }));
  uint32_t exclusive = 1;
  asm volatile("1: ldaxr w9, [%1]\n add w9, w9, #1\n stlxr %w0, w9, [%1]\n cbnz %w0, 1b"
               : "=&r"(exclusive)
               : "r"(start)
               : "x9", "memory");
  check_equal("exclusive_accesses_work", read64(start), 1);
  write64(start, 0);
}

}  // namespace probe
