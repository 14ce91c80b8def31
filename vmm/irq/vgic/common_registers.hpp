// SPDX-License-Identifier: Apache-2.0
// Rows that several frames have: bank registers and identification.
#pragma once

#include "vmm/irq/vgic/bank_registers.hpp"
#include "vmm/irq/vgic/register_map.hpp"

namespace vmm::vgic {

enum class Frame : uint8_t { distributor, redistributor };

// Adapts the functions of BankRegisters to rows. A word covers 32 interrupts; the distributor shows the private ones of
// whoever asks in version 2 and not at all in version 3, a redistributor shows only those of its vCPU.
template <Frame frame>
struct BankRows {
  template <BankRegisters::Read fn>
  static uint64_t read(const RegisterAccess& a) {
    uint64_t value = 0;
    with_bank(a, a.offset / 4, [&](const BankRef& ref) { value = fn(a.model, ref, a.self); });
    return value;
  }
  template <BankRegisters::Write fn>
  static void write(const RegisterAccess& a, uint64_t value) {
    with_bank(a, a.offset / 4, [&](const BankRef& ref) { fn(a.model, ref, a.self, static_cast<uint32_t>(value)); });
  }
  static uint64_t read_priorities(const RegisterAccess& a) {
    uint64_t value = 0;
    with_bank(a, a.offset / 32,
              [&](const BankRef& ref) { value = BankRegisters::priorities(ref, a.offset % 32, a.size); });
    return value;
  }
  static void write_priorities(const RegisterAccess& a, uint64_t value) {
    with_bank(a, a.offset / 32, [&](const BankRef& ref) {
      BankRegisters::set_priorities(a.model, ref, a.self, a.offset % 32, a.size, static_cast<uint32_t>(value));
    });
  }
  static uint64_t read_configuration(const RegisterAccess& a) {
    uint64_t value = 0;
    with_bank(a, a.offset / 8,
              [&](const BankRef& ref) { value = BankRegisters::configuration(ref, a.offset % 8 * 4); });
    return value;
  }
  static void write_configuration(const RegisterAccess& a, uint64_t value) {
    with_bank(a, a.offset / 8, [&](const BankRef& ref) {
      BankRegisters::set_configuration(a.model, ref, a.self, a.offset % 8 * 4, static_cast<uint32_t>(value));
    });
  }

 private:
  template <class Use>
  static void with_bank(const RegisterAccess& a, unsigned number, Use use) {
    if constexpr (frame == Frame::redistributor) {
      use(a.model.private_bank(a.frame));
    } else if (number != 0) {
      if (number <= a.model.spi_banks.size()) use(a.model.spi_bank(number));
    } else if (!a.model.is_v3()) {
      use(a.model.private_bank(a.self));
    }
  }
};

// An implementer of our own does not exist in JEP106; as other software models, we use Arm's code with a product number
// that no product has.
inline constexpr uint64_t implementer_id = uint64_t{'P'} << 24 | 0x43b;

inline uint64_t read_iidr(const RegisterAccess&) { return implementer_id; }

// PIDR4-7, PIDR0-3, CIDR0-3 at the end of a frame; the row begins at `Start`.
template <uint32_t Start>
uint64_t read_identification(const RegisterAccess& a) {
  constexpr std::array<uint8_t, 12> registers{0x04, 0, 0, 0, 0x92, 0xb4, 0x0b, 0, 0x0d, 0xf0, 0x05, 0xb1};
  static_assert((Start & 0xfff) == 0xfd0);
  constexpr unsigned pidr2 = 6;
  const unsigned index = a.offset / 4;
  const uint64_t revision = arch::gic::pidr2::ArchRev::of(static_cast<uint64_t>(a.model.config.version));
  return registers[index] | (index == pidr2 ? revision : 0);
}

}  // namespace vmm::vgic
