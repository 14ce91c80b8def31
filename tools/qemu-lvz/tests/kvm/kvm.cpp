// SPDX-License-Identifier: GPL-2.0-or-later
#include "kvm.hpp"

#include "system.hpp"

namespace kvm {
namespace {

constexpr unsigned csr_crmd = 0x0, csr_cpuid = 0x20;
constexpr uint64_t crmd_direct = 8;

bool set_register(int vcpu, uint64_t id, uint64_t value) {
  OneRegister one{id, reinterpret_cast<uint64_t>(&value)};
  return !sys::failed(sys::ioctl(vcpu, set_one, &one));
}

/// What the host has, less what KVM does not let a guest have.
bool set_cpucfg(int vcpu) {
  for (unsigned word = 0; word < cpucfg_words; ++word) {
    uint64_t mask = 0;
    DeviceAttribute attribute{0, cpucfg_group, word, reinterpret_cast<uint64_t>(&mask)};
    if (sys::failed(sys::ioctl(vcpu, get_attribute, &attribute))) continue;
    if (!set_register(vcpu, cpucfg_register(word), host_cpucfg(word) & mask & 0xFFFF'FFFF)) return false;
  }
  return true;
}

}  // namespace

bool complain(const char* who, const char* what, long result) {
  sys::Line() << "# " << who << ": " << what << " failed with errno " << static_cast<uint64_t>(-result);
  return false;
}

bool create_direct_mode_vcpu(const char* who, int vm, size_t run_size, unsigned number, const Start& start,
                             int& descriptor, Run*& run) {
  const long created = sys::ioctl(vm, create_vcpu, static_cast<long>(number));
  if (sys::failed(created)) return complain(who, "KVM_CREATE_VCPU", created);
  descriptor = static_cast<int>(created);
  run = static_cast<Run*>(sys::map(run_size, descriptor));
  if (!run) return complain(who, "mapping kvm_run", -12);
  if (!set_cpucfg(descriptor)) return complain(who, "setting CPUCFG", 0);
  if (!set_register(descriptor, csr_register(csr_cpuid), number)) return complain(who, "setting CPUID", 0);
  if (!set_register(descriptor, vcpu_reset, 0)) return complain(who, "resetting the vCPU", 0);
  if (!set_register(descriptor, csr_register(csr_crmd), crmd_direct)) return complain(who, "setting CRMD", 0);
  Registers registers{};
  registers.pc = start.pc;
  for (unsigned i = 0; i < 3; ++i) registers.gpr[4 + i] = start.arguments[i];
  const long result = sys::ioctl(descriptor, set_registers, &registers);
  return sys::failed(result) ? complain(who, "KVM_SET_REGS", result) : true;
}

uint64_t host_cpucfg(uint64_t word) {
  uint64_t value;
  asm volatile("cpucfg %0, %1" : "=r"(value) : "r"(word));
  return value;
}

uint64_t from_bytes(const uint8_t* data, unsigned length) {
  uint64_t value = 0;
  for (unsigned i = length; i-- > 0;) value = value << 8 | data[i];
  return value;
}

void to_bytes(uint8_t* data, uint64_t value) {
  for (unsigned i = 0; i < 8; ++i) data[i] = static_cast<uint8_t>(value >> 8 * i);
}

}  // namespace kvm
