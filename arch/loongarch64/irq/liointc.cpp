// SPDX-License-Identifier: Apache-2.0
#include "arch/loongarch64/irq/liointc.hpp"

#include "arch/loongarch64/regs/liointc.hpp"
#include "hal/mmio.hpp"

namespace arch {

using reg = regs::liointc;
using hal::mmio_read32;
using hal::mmio_write32;
using hal::mmio_write8;

void LioIntc::set_up(hal::HostVirt registers, unsigned line) {
  registers_ = registers;
  line_ = line;
  present_ = true;
  mmio_write32(registers_ + reg::disable, ~0U);
  // Polarity is the wiring of the package: firmware and reset know it, the 3A series has it fixed.
  for (uint32_t input = 0; input < reg::inputs; ++input) route(input, 0);
}

void LioIntc::route(uint32_t input, uint64_t core) const {
  const uint64_t to = core < reg::cores ? core : 0;
  const uint64_t bits = reg::route_core::of(uint64_t{1} << to) | reg::route_line::of(uint64_t{1} << line_);
  mmio_write8(registers_ + reg::route + input, static_cast<uint8_t>(bits));
}

void LioIntc::configure(uint32_t input, bool level) const {
  const uint32_t bit = uint32_t{1} << input, was = mmio_read32(registers_ + reg::edge);
  mmio_write32(registers_ + reg::edge, level ? was & ~bit : was | bit);
}

void LioIntc::enable(uint32_t input) const { mmio_write32(registers_ + reg::enable, uint32_t{1} << input); }

void LioIntc::disable(uint32_t input) const { mmio_write32(registers_ + reg::disable, uint32_t{1} << input); }

uint32_t LioIntc::take(uint64_t core) const {
  if (!present_ || core >= reg::cores) return 0;
  const uint32_t pending = mmio_read32(registers_ + reg::status + 8 * core);
  if (pending == 0) return 0;
  mmio_write32(registers_ + reg::disable, pending);
  mmio_write32(registers_ + reg::enable, pending & mmio_read32(registers_ + reg::edge));
  return pending;
}

}  // namespace arch
