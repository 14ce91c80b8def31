// SPDX-License-Identifier: Apache-2.0
#include "smp.hpp"

#include <array>
#include <atomic>

#include "cpu.hpp"
#include "ipi.hpp"
#include "machine.hpp"
#include "wait.hpp"

extern "C" {
void guest_secondary_start();
// Not zeroed at every start, as .bss is. start.S knows the size.
[[gnu::section(".noinit")]] alignas(16) std::array<std::array<char, 8192>, guest::smp::max_cpus> guest_secondary_stacks;
}

namespace guest::smp {

namespace {
struct Cpu {
  std::atomic<bool> busy{false};
  std::atomic<bool> is_here{false};  // it has left the loop of firmware for ours
  std::atomic<uint64_t> asked{0};    // how often it was to start: mail that comes twice starts it once
  Function function = nullptr;
  uint64_t argument = 0;
};
constinit std::array<Cpu, max_cpus> cpus{};

constexpr int64_t already_on = -4, internal_failure = -6;
constexpr uint64_t physical_mask = 0xffff'ffff'ffff;

// As firmware's loop: idle with interrupts masked until there is something in the mailbox.
void wait_for_mail() {
  iocsr_write32(ipi::enable, 1);
  ecfg::write(uint64_t{1} << ipi_interrupt);
  while (iocsr_read64(ipi::mailbox) == 0) wait_for_interrupt();
  iocsr_write32(ipi::clear, ~0U);
  ecfg::write(0);
}

extern "C" [[noreturn]] void guest_secondary_main(uint64_t number) {
  Cpu& cpu = cpus[number];
  cpu.is_here = true;
  for (uint64_t served = 0;;) {
    iocsr_write64(ipi::mailbox, 0);
    if (cpu.asked.load(std::memory_order_acquire) != served) {
      ++served;
      cpu.function(cpu.argument);
      mask_interrupts();
      cpu.busy.store(false, std::memory_order_release);
    }
    wait_for_mail();
  }
}
}  // namespace

int64_t start(unsigned cpu, Function function, uint64_t argument) {
  if (cpus[cpu].busy.exchange(true, std::memory_order_acquire)) return already_on;
  Cpu& target = cpus[cpu];
  target.function = function;
  target.argument = argument;
  target.asked.fetch_add(1, std::memory_order_release);
  // The loop of QEMU's firmware begins with an empty mailbox: what came before it began is lost.
  for (unsigned attempt = 0; attempt < 100; ++attempt) {
    barrier();
    ipi::send_mail(cpu, reinterpret_cast<uint64_t>(&guest_secondary_start) & physical_mask);
    ipi::send(cpu, 0);
    if (target.is_here || within(100, [&] { return target.is_here.load(); })) return 0;
  }
  return internal_failure;
}

bool is_off(unsigned cpu) { return !cpus[cpu].busy.load(std::memory_order_acquire); }

unsigned count() {
  const auto nodes = machine.tree->find("/cpus");
  unsigned known = 0;
  if (!nodes) return known;
  for (const hal::FdtNode node : nodes->children()) known += node.base_name() == "cpu" ? 1 : 0;
  return known;
}

}  // namespace guest::smp
