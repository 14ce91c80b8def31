// SPDX-License-Identifier: Apache-2.0
#include "vmm/irq/loongson/iocsr.hpp"

#include "hal/base/bits.hpp"
#include "vmm/irq/loongson/remote_write.hpp"

namespace vmm::loongson {
namespace {

// Chip configuration registers (Loongson 3A5000 user manual, chapter 4), with what QEMU's board answers.
enum Register : uint32_t { version = 0x0, features = 0x8, vendor = 0x10, cpu_name = 0x20, function = 0x420 };
constexpr uint32_t version_value = 0x11;
constexpr uint32_t feature_msi = 1U << 2, feature_eiointc = 1U << 3, feature_ipi = 1U << 4, feature_vm = 1U << 11;
constexpr uint32_t any_send_register = 0x1158;

// Eight characters as the register has them.
consteval uint64_t characters(const char* text) {
  uint64_t word = 0;
  for (unsigned n = 0; n < 8 && text[n] != 0; ++n) word |= uint64_t{static_cast<uint8_t>(text[n])} << 8 * n;
  return word;
}

constexpr bool is_ipi(uint32_t address) { return address >= Ipi::base && address < Ipi::end; }
constexpr bool is_eiointc(uint32_t address) {
  return (address >= Eiointc::base && address < Eiointc::end) ||
         (address >= Eiointc::virt_base && address < Eiointc::virt_end);
}

}  // namespace

std::optional<uint64_t> Iocsr::read(VcpuIndex self, uint32_t address, unsigned size) const {
  if ((address & (size - 1)) != 0) return std::nullopt;
  if (is_ipi(address)) return ipi_.read(self, address, size);
  if (is_eiointc(address)) return eiointc_.read(self, address, size);
  uint64_t value = 0;
  switch (address & ~7U) {
    case version: value = version_value; break;
    case features: value = feature_msi | feature_eiointc | feature_ipi | (hypervisor_ ? feature_vm : 0); break;
    case vendor: value = characters("Loongson"); break;
    case cpu_name: value = characters("3A5000"); break;
    case function: value = function_.load(std::memory_order_relaxed); break;
    default: return std::nullopt;
  }
  return value >> address % 8 * 8 & hal::low_mask(size * 8);
}

bool Iocsr::write(VcpuIndex self, uint32_t address, unsigned size, uint64_t value) {
  if ((address & (size - 1)) != 0) return false;
  if (is_ipi(address)) {
    ipi_.write(self, address, size, value);
  } else if (is_eiointc(address)) {
    eiointc_.write(self, address, size, value);
  } else if (address == any_send_register) {
    if (size == 8) send_any(value);
  } else if ((address & ~7U) == function) {
    const uint64_t lanes = hal::low_mask(size * 8) << address % 8 * 8;
    const uint64_t bits = value << address % 8 * 8 & lanes;
    uint64_t old = function_.load(std::memory_order_relaxed);
    while (!function_.compare_exchange_weak(old, (old & ~lanes) | bits, std::memory_order_relaxed)) {
    }
  } else {
    return false;
  }
  return true;
}

// 32 bits into a register of another core; what is not there is lost.
void Iocsr::send_any(uint64_t value) {
  const RemoteWrite remote(value);
  const VcpuIndex target = remote.target();
  if (target >= vcpus_) return;
  const uint32_t old = static_cast<uint32_t>(read(target, remote.address(), 4).value_or(0));
  (void)write(target, remote.address(), 4, remote.merge(old));
}

}  // namespace vmm::loongson
