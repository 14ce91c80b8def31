// SPDX-License-Identifier: Apache-2.0
#include "hal/driver/pci.hpp"

#include "hal/base/bits.hpp"
#include "hal/upcall.hpp"

namespace hal::driver {
namespace {

// 7.5.1.1.3, 7.5.1.1.4, 7.5.1.2.1.
constexpr uint16_t memory_space = 1 << 1, bus_master = 1 << 2, interrupt_disable = 1 << 10;
constexpr uint16_t has_capabilities = 1 << 4;
// 7.7.1 and 7.7.2: MSI and MSI-X, and the bit of their message control that makes an interrupt a message.
constexpr struct {
  uint8_t id;
  uint16_t enable;
} messages[] = {{0x05, 1 << 0}, {0x11, 1 << 15}};
constexpr unsigned message_control = 2;
constexpr uint32_t bar_is_io = 1, bar_is_64 = 1 << 2, bar_flags = 0xf;

constexpr uint64_t configuration_size = 4 * kib;  // of a function in an ECAM (7.2.2)

}  // namespace

unsigned PciFunction::find_capability(uint8_t id, unsigned after) const {
  if ((read16(status) & has_capabilities) == 0) return 0;
  unsigned at = after == 0 ? read8(capabilities) : read8(after + 1);
  // A function may send us in circles; 48 is all that there is room for.
  for (unsigned steps = 0; at >= 0x40 && steps < 48; ++steps) {
    at &= 0xfc;
    if (read8(at) == id) return at;
    at = read8(at + 1);
  }
  return 0;
}

std::optional<uint64_t> PciFunction::memory_bar(unsigned bar) const {
  const unsigned offset = base_address + 4 * bar;
  const uint32_t low = read32(offset);
  if ((low & bar_is_io) != 0) return std::nullopt;
  uint64_t place = low & ~bar_flags;
  if ((low & bar_is_64) != 0 && bar + 1 < PciHost::bars) place |= uint64_t{read32(offset + 4)} << 32;
  if (place == 0) return std::nullopt;
  return place;
}

std::optional<PciFunction> PciHost::function_at(unsigned device, unsigned function) const {
  const unsigned unit = device << 3 | function;
  const uint64_t offset = unit * configuration_size;
  if (offset + configuration_size > info_.configuration.size) return std::nullopt;
  const auto registers = upcall::map_device({info_.configuration.start + offset, configuration_size});
  if (!registers) return std::nullopt;
  return PciFunction(*registers, static_cast<uint8_t>(info_.first_bus), static_cast<uint8_t>(unit));
}

// Asked before we assign any.
bool PciHost::is_assigned_by_firmware() {
  if (by_firmware_) return *by_firmware_;
  bool assigned = false;
  const bool all = for_each_function([&](const PciFunction& function) {
    const bool is_bridge = (function.read8(PciFunction::header_type) & 0x7f) != 0;
    for (unsigned bar = 0; bar < (is_bridge ? 2 : bars); ++bar) assigned |= function.memory_bar(bar).has_value();
  });
  by_firmware_ = assigned || !all;
  return *by_firmware_;
}

// 7.5.1.2.1: all ones read back as the size, while the function answers at none.
bool PciHost::assign(const PciFunction& function) {
  const uint64_t end = info_.memory.end().value() + info_.bus_offset;
  for (unsigned bar = 0; bar < bars; ++bar) {
    const unsigned offset = PciFunction::base_address + 4 * bar;
    function.write32(offset, ~0U);
    const uint32_t mask = function.read32(offset);
    if (mask == 0) continue;
    if ((mask & bar_is_io) != 0) {
      function.write32(offset, 0);
      continue;
    }
    const uint64_t size = uint64_t{~(mask & ~bar_flags)} + 1;
    const uint64_t place = align_up(free_, size);
    if (size == 0 || size > hal::gib || place < free_ || place > end || size > end - place) return false;
    function.write32(offset, static_cast<uint32_t>(place));
    free_ = place + size;
    if ((mask & bar_is_64) == 0) continue;
    ++bar;
    function.write32(offset + 4, 0);
  }
  return true;
}

bool PciHost::enable(const PciFunction& function) {
  if ((function.read8(PciFunction::header_type) & 0x7f) != 0) return false;
  if (!is_assigned_by_firmware() && !assign(function)) return false;
  for (const auto& kind : messages) {
    const unsigned at = function.find_capability(kind.id);
    if (at == 0) continue;
    const uint16_t control = function.read16(at + message_control);
    function.write16(at + message_control, static_cast<uint16_t>(control & ~kind.enable));
  }
  const auto was = static_cast<uint16_t>(function.read16(PciFunction::command) & ~interrupt_disable);
  function.write16(PciFunction::command, was | memory_space | bus_master);
  return true;
}

void PciHost::disable(const PciFunction& function) {
  const uint16_t was = function.read16(PciFunction::command);
  function.write16(PciFunction::command, static_cast<uint16_t>((was & ~bus_master) | interrupt_disable));
  // What it has written before is there when an answer of its has come (PCI Express Base 2.4.1).
  (void)function.read16(PciFunction::command);
}

std::optional<HostVirt> PciHost::map(const PciFunction& function, unsigned bar, uint64_t offset, uint64_t size) const {
  const auto place = bar < bars ? function.memory_bar(bar) : std::nullopt;
  if (!place || offset > ~*place || size == 0 || size > hal::gib) return std::nullopt;
  return upcall::map_device({HostPhys(*place + offset - info_.bus_offset), size});
}

std::optional<uint32_t> PciHost::irq_of(const PciFunction& function) const {
  const uint8_t pin = function.read8(PciFunction::interrupt_pin);
  return pin == 0 ? std::nullopt : info_.irq_of(function.cell(), pin);
}

}  // namespace hal::driver
