// SPDX-License-Identifier: Apache-2.0
#include "vmm/pci/host_bridge.hpp"

#include "hal/base/bits.hpp"

namespace vmm::pci {

namespace {

// An address in one of the windows. Functions other than 0, and buses other than 0, are not there: slots that do not
// exist stand for them.
struct ConfigAddress {
  unsigned slot;
  unsigned offset;
};
constexpr unsigned no_slot = slots;

// PCI Express Base 5.0, table 7-1.
ConfigAddress ecam(uint64_t offset) {
  using Bus = hal::Field<27, 20>;
  using Device = hal::Field<19, 15, unsigned>;
  using FunctionNumber = hal::Field<14, 12>;
  using Register = hal::Field<11, 0, unsigned>;
  const bool elsewhere = Bus::is_set(offset) || FunctionNumber::is_set(offset);
  return {.slot = elsewhere ? no_slot : Device::get(offset), .offset = Register::get(offset)};
}

ConfigAddress loongson(uint64_t offset) {
  using Device = hal::Field<15, 11, unsigned>;
  using FunctionNumber = hal::Field<10, 8>;
  using Register = hal::Field<7, 0, unsigned>;
  return {.slot = FunctionNumber::is_set(offset) ? no_slot : Device::get(offset), .offset = Register::get(offset)};
}

}  // namespace

uint64_t EcamWindow::read(MmioAccess access) {
  const ConfigAddress place = ecam(access.offset);
  return bus_.read_config(place.slot, place.offset, access.size);
}
void EcamWindow::write(MmioAccess access, uint64_t value) {
  const ConfigAddress place = ecam(access.offset);
  bus_.write_config(place.slot, place.offset, access.size, value);
}

uint64_t LoongsonConfigWindow::read(MmioAccess access) {
  const ConfigAddress place = loongson(access.offset);
  return bus_.read_config(place.slot, place.offset, access.size);
}
void LoongsonConfigWindow::write(MmioAccess access, uint64_t value) {
  const ConfigAddress place = loongson(access.offset);
  bus_.write_config(place.slot, place.offset, access.size, value);
}

}  // namespace vmm::pci
