// SPDX-License-Identifier: Apache-2.0
#include "arch/psci.hpp"

#include "arch/cpu.hpp"
#include "hal/power.hpp"

namespace arch::psci {
namespace {

constinit hal::FirmwareConduit conduit = hal::FirmwareConduit::none;

// Function identifiers, DEN0022D 5.1.
constexpr uint64_t cpu_off_id = 0x8400'0002;
constexpr uint64_t cpu_on_id = 0xc400'0003;
constexpr uint64_t system_off_id = 0x8400'0008;
constexpr uint64_t system_reset_id = 0x8400'0009;
constexpr int64_t not_supported = -1;

// SMC calling convention (DEN0028 2.6): X0-X3 carry results, X4-X17 may be destroyed.
int64_t call(uint64_t function, uint64_t a1 = 0, uint64_t a2 = 0, uint64_t a3 = 0) {
  register uint64_t x0 asm("x0") = function;
  register uint64_t x1 asm("x1") = a1;
  register uint64_t x2 asm("x2") = a2;
  register uint64_t x3 asm("x3") = a3;
#define PLINTH_SMCCC_CLOBBERS \
  "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "memory"
  switch (conduit) {
    case hal::FirmwareConduit::smc:
      asm volatile("smc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3) : : PLINTH_SMCCC_CLOBBERS);
      return static_cast<int64_t>(x0);
    case hal::FirmwareConduit::hvc:
      asm volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3) : : PLINTH_SMCCC_CLOBBERS);
      return static_cast<int64_t>(x0);
    case hal::FirmwareConduit::none: break;
  }
#undef PLINTH_SMCCC_CLOBBERS
  return not_supported;
}

}  // namespace

void set_conduit(hal::FirmwareConduit to) { conduit = to; }

int64_t cpu_on(uint64_t hardware_id, hal::HostPhys entry, uint64_t context) {
  return call(cpu_on_id, hardware_id, entry.value(), context);
}
void cpu_off() { (void)call(cpu_off_id); }
void system_off() { (void)call(system_off_id); }
void system_reset() { (void)call(system_reset_id); }

}  // namespace arch::psci

namespace hal {

void power_off() {
  arch::psci::system_off();
  while (true) arch::Cpu::halt();
}

void reboot() {
  arch::psci::system_reset();
  while (true) arch::Cpu::halt();
}

}  // namespace hal
