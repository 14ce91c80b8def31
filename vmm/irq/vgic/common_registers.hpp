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
  static uint64_t read(Model& m, Cpus cpus, Part part) {
    Bank* const bank = find(m, cpus, part.offset / 4);
    return bank != nullptr ? fn(m, *bank, cpus.self) : 0;
  }
  template <BankRegisters::Write fn>
  static void write(Model& m, Cpus cpus, Part part, uint64_t value) {
    Bank* const bank = find(m, cpus, part.offset / 4);
    if (bank != nullptr) fn(m, *bank, cpus.self, static_cast<uint32_t>(value));
  }
  static uint64_t read_priorities(Model& m, Cpus cpus, Part part) {
    Bank* const bank = find(m, cpus, part.offset / 32);
    return bank != nullptr ? BankRegisters::priorities(*bank, part.offset % 32, part.size) : 0;
  }
  static void write_priorities(Model& m, Cpus cpus, Part part, uint64_t value) {
    Bank* const bank = find(m, cpus, part.offset / 32);
    if (bank == nullptr) return;
    BankRegisters::set_priorities(m, *bank, cpus.self, part.offset % 32, part.size, static_cast<uint32_t>(value));
  }
  static uint64_t read_configuration(Model& m, Cpus cpus, Part part) {
    Bank* const bank = find(m, cpus, part.offset / 8);
    return bank != nullptr ? BankRegisters::configuration(*bank, part.offset % 8 * 4) : 0;
  }
  static void write_configuration(Model& m, Cpus cpus, Part part, uint64_t value) {
    Bank* const bank = find(m, cpus, part.offset / 8);
    if (bank == nullptr) return;
    BankRegisters::set_configuration(m, *bank, cpus.self, part.offset % 8 * 4, static_cast<uint32_t>(value));
  }

 private:
  // Null where there is none.
  [[nodiscard]] static Bank* find(Model& m, Cpus cpus, unsigned number) {
    if (frame == Frame::redistributor) return &cpus.frame.bank;
    if (number != 0) return number <= m.spi_banks.size() ? &m.spi_bank(number) : nullptr;
    return m.is_v3() ? nullptr : &cpus.self.bank;
  }
};

// GICD_IGROUPR to GICD_ICFGR, in a redistributor at the same offsets, for so many banks.
template <Frame frame>
consteval std::array<Register, 9> bank_rows(uint32_t banks) {
  namespace gicd = arch::gic::gicd;
  using Regs = BankRegisters;
  using Rows = BankRows<frame>;
  const auto row = [=](uint32_t first, uint32_t bytes, Sizes sizes, auto read, auto write) {
    return Register{first, first + bytes * banks, sizes, read, write};
  };
  const auto word = [=](uint32_t first, auto read, auto write) { return row(first, 4, word_only, read, write); };
  return {
      word(gicd::IGROUPR, Rows::template read<&Regs::group>, Rows::template write<&Regs::set_group>),
      word(gicd::ISENABLER, Rows::template read<&Regs::enabled>, Rows::template write<&Regs::set_enabled>),
      word(gicd::ICENABLER, Rows::template read<&Regs::enabled>, Rows::template write<&Regs::clear_enabled>),
      word(gicd::ISPENDR, Rows::template read<&Regs::pending>, Rows::template write<&Regs::set_pending>),
      word(gicd::ICPENDR, Rows::template read<&Regs::pending>, Rows::template write<&Regs::clear_pending>),
      word(gicd::ISACTIVER, Rows::template read<&Regs::active>, Rows::template write<&Regs::set_active>),
      word(gicd::ICACTIVER, Rows::template read<&Regs::active>, Rows::template write<&Regs::clear_active>),
      row(gicd::IPRIORITYR, 32, byte_word, Rows::read_priorities, Rows::write_priorities),
      row(gicd::ICFGR, 8, word_only, Rows::read_configuration, Rows::write_configuration),
  };
}

// An implementer of our own does not exist in JEP106; as other software models, we use Arm's code with a product number
// that no product has.
inline constexpr uint64_t implementer_id = uint64_t{'P'} << 24 | 0x43b;

inline uint64_t read_iidr(Model&, Cpus, Part) { return implementer_id; }

// PIDR4-7, PIDR0-3, CIDR0-3 at the end of a frame, which has 4 KiB in version 2 and 64 KiB in version 3 (PIDR4.SIZE); the
// row begins at `Start`. PIDR0 tells the parts of a controller apart, as those of Arm's products do.
enum class Component : uint8_t { version_2 = 0x90, distributor = 0x92, redistributor = 0x93, its = 0x94 };
template <uint32_t Start, Component component>
uint64_t read_identification(Model& m, Cpus, Part part) {
  static_assert((Start & 0xfff) == 0xfd0);
  constexpr bool v3 = component != Component::version_2;
  static_assert(v3 == (Start == 0xffd0));
  constexpr std::array<uint8_t, 12> registers{
      v3 ? 0x44 : 0x04, 0, 0, 0, static_cast<uint8_t>(component), 0xb4, 0x0b, 0, 0x0d, 0xf0, 0x05, 0xb1};
  if (m.is_v3() != v3) return 0;
  constexpr unsigned pidr2 = 6;
  const unsigned index = part.offset / 4;
  const uint64_t revision = arch::gic::pidr2::ArchRev::of(static_cast<uint64_t>(m.config.version));
  return registers[index] | (index == pidr2 ? revision : 0);
}

}  // namespace vmm::vgic
