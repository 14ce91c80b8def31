// SPDX-License-Identifier: Apache-2.0
#include "smp.hpp"

#include <array>

#include "cpu.hpp"
#include "psci.hpp"
#include "psci_start.hpp"

extern "C" void guest_secondary_start();

namespace guest::smp {

namespace {
// As start.S reads it, with the MMU still off.
struct Start {
  uint64_t stack_top;
  Function function;
  uint64_t argument;
};
constinit std::array<Start, max_cpus> starts{};
// Not zeroed at every start, as .bss is.
[[gnu::section(".noinit")]] alignas(16) std::array<std::array<char, 8192>, max_cpus> stacks;

// QEMU's `virt`, and so a VM, counts up to 16 CPUs in Aff0, then in Aff1.
constexpr uint64_t affinity(unsigned cpu) { return uint64_t{cpu / 16} << 8 | cpu % 16; }
}  // namespace

uint64_t entry_address() { return reinterpret_cast<uint64_t>(&guest_secondary_start); }

uint64_t prepare(unsigned cpu, Function function, uint64_t argument) {
  starts[cpu] = {reinterpret_cast<uint64_t>(stacks[cpu].data() + stacks[cpu].size()), function, argument};
  // Our map is cacheable, the new CPU's first reads are not.
  asm volatile("dc civac, %0\n dsb sy" : : "r"(&starts[cpu]) : "memory");
  return reinterpret_cast<uint64_t>(&starts[cpu]);
}

int64_t start(unsigned cpu, Function function, uint64_t argument) {
  return psci::call(psci::cpu_on, affinity(cpu), entry_address(), prepare(cpu, function, argument)).status();
}

bool is_off(unsigned cpu) { return psci::call(psci::affinity_info, affinity(cpu), 0).status() == 1; }

unsigned count() {
  unsigned known = 0;
  while (known < max_cpus && psci::call(psci::affinity_info, affinity(known), 0).status() >= 0) ++known;
  return known;
}

}  // namespace guest::smp
