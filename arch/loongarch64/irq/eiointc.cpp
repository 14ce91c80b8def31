// SPDX-License-Identifier: Apache-2.0
#include "arch/loongarch64/irq/eiointc.hpp"

#include "arch/iocsr.hpp"
#include "arch/loongarch64/regs/csr.hpp"
#include "arch/loongarch64/regs/eiointc.hpp"

namespace arch::eiointc {
namespace {

using regs::misc_func;
using reg = regs::eiointc;

constexpr uint32_t every_byte = 0x0101'0101;

}  // namespace

void set_up(uint32_t cpu_line) {
  for (unsigned n = 0; n < reg::vectors / 8; n += 4) {
    iocsr_write32(reg::enable + n, 0);
    iocsr_write32(reg::bounce + n, 0);
  }
  // Node n is the n-th: two of them in a word.
  for (uint32_t n = 0; n < 16; n += 2) iocsr_write32(reg::node_map + 2 * n, (n + 1) << 16 | n);
  const uint32_t line = uint32_t{1} << (cpu_line - regs::interrupt_line::hwi0);
  for (unsigned n = 0; n < reg::vectors / 32; n += 4) iocsr_write32(reg::line_map + n, line * every_byte);
  iocsr_write64(misc_func::address, iocsr_read64(misc_func::address) | misc_func::extioi::mask);
}

// By words, as Linux does: QEMU's model knows no smaller access.
void route(uint32_t vector, uint64_t hardware_id) {
  const uint64_t to = reg::route_core::of(uint64_t{1} << hardware_id % reg::cores_per_node) |
                      reg::route_node::of(hardware_id / reg::cores_per_node);
  const uint32_t address = reg::route + vector / 4 * 4;
  const unsigned shift = vector % 4 * 8;
  iocsr_write32(address, (iocsr_read32(address) & ~(uint32_t{0xff} << shift)) | static_cast<uint32_t>(to << shift));
}

void set_enabled(uint32_t vector, bool on) {
  const uint32_t address = reg::enable + vector / 32 * 4;
  const uint32_t bit = uint32_t{1} << vector % 32, was = iocsr_read32(address);
  iocsr_write32(address, on ? was | bit : was & ~bit);
}

uint64_t take(unsigned n) {
  const uint64_t pending = iocsr_read64(reg::pending + 8 * n);
  if (pending != 0) iocsr_write64(reg::pending + 8 * n, pending);
  return pending;
}

}  // namespace arch::eiointc
