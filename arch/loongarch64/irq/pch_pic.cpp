// SPDX-License-Identifier: Apache-2.0
#include "arch/loongarch64/irq/pch_pic.hpp"

#include "arch/loongarch64/regs/pch_pic.hpp"
#include "hal/mmio.hpp"

namespace arch {

using reg = regs::pch_pic;
using hal::mmio_read32;
using hal::mmio_write32;
using hal::mmio_write8;

void PchPic::set_up(hal::HostVirt registers, uint32_t base_vector) {
  registers_ = registers;
  base_vector_ = base_vector;
  present_ = true;
  for (uint64_t half = 0; half < 8; half += 4) {
    mmio_write32(registers_ + reg::mask + half, ~0U);
    mmio_write32(registers_ + reg::message + half, ~0U);
    mmio_write32(registers_ + reg::clear + half, ~0U);
    mmio_write32(registers_ + reg::polarity + half, 0);
  }
  for (uint32_t input = 0; input < reg::inputs; ++input) {
    mmio_write8(registers_ + reg::route + input, 1);
    mmio_write8(registers_ + reg::vector + input, static_cast<uint8_t>(base_vector + input));
  }
}

bool PchPic::owns(uint32_t vector) const {
  return present_ && vector >= base_vector_ && vector - base_vector_ < reg::inputs;
}

void PchPic::configure(uint32_t vector, bool level) { set_bit(reg::edge, vector, !level); }

void PchPic::mask(uint32_t vector) { set_bit(reg::mask, vector, true); }

void PchPic::unmask(uint32_t vector) {
  const uint32_t input = vector - base_vector_;
  mmio_write32(registers_ + reg::clear + input / 32 * 4, uint32_t{1} << input % 32);
  set_bit(reg::mask, vector, false);
}

void PchPic::set_bit(uint64_t bank, uint32_t vector, bool on) const {
  const uint32_t input = vector - base_vector_;
  const hal::HostVirt word = registers_ + bank + input / 32 * 4;
  const uint32_t bit = uint32_t{1} << input % 32, was = mmio_read32(word);
  mmio_write32(word, on ? was | bit : was & ~bit);
}

}  // namespace arch
