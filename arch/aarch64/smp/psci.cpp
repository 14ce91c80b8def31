// SPDX-License-Identifier: Apache-2.0
#include "arch/psci.hpp"

#include "arch/cpu.hpp"
#include "hal/power.hpp"

namespace arch::psci {
namespace {

constinit hal::FirmwareInfo firmware;

// Function identifiers, DEN0022D 5.1.
constexpr uint64_t system_off_id = 0x8400'0008;
constexpr uint64_t system_reset_id = 0x8400'0009;
constexpr uint64_t features_id = 0x8400'000a;
// DEN0028 7.2 to 7.6.
constexpr uint64_t smccc_version_id = 0x8000'0000;
constexpr uint64_t smccc_arch_features_id = 0x8000'0001;
constexpr uint64_t workaround_1_id = 0x8000'8000;
constexpr uint64_t workaround_2_id = 0x8000'7fff;
constexpr uint64_t workaround_3_id = 0x8000'3fff;
constexpr int64_t smccc_1_1 = 0x1'0001;
constexpr int64_t not_supported = -1;

constinit Workarounds needed{};

// SMC calling convention (DEN0028 2.6): X0-X3 carry results, X4-X17 may be destroyed.
int64_t call(uint64_t function, uint64_t a1 = 0, uint64_t a2 = 0, uint64_t a3 = 0) {
  register uint64_t x0 asm("x0") = function;
  register uint64_t x1 asm("x1") = a1;
  register uint64_t x2 asm("x2") = a2;
  register uint64_t x3 asm("x3") = a3;
#define PLINTH_SMCCC_CLOBBERS \
  "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "memory"
  switch (firmware.conduit) {
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

// What one CPU needs, into what all need. A firmware older than SMCCC 1.1 must not even be asked (7.1).
void join(int32_t& all, bool may_ask, uint64_t workaround) {
  const auto mine = may_ask ? static_cast<int32_t>(call(smccc_arch_features_id, workaround)) : -1;
  if (all == 0 || mine == 0) {
    all = 0;
  } else if (mine < 0) {
    all = -1;
  }
}

}  // namespace

void join_cpu() {
  const bool may_ask = firmware.has_fixed_calls && static_cast<int32_t>(call(features_id, smccc_version_id)) >= 0 &&
                       static_cast<int32_t>(call(smccc_version_id)) >= smccc_1_1;
  join(needed.branch_prediction, may_ask, workaround_1_id);
  join(needed.store_bypass, may_ask, workaround_2_id);
  join(needed.branch_history, may_ask, workaround_3_id);
}

const Workarounds& workarounds() { return needed; }
void clear_branch_prediction() { (void)call(workaround_1_id); }
void clear_branch_history() { (void)call(workaround_3_id); }

void set_firmware(const hal::FirmwareInfo& found, bool at_el2) {
  firmware = found;
  if (at_el2 && !found.answers_at_el2()) firmware.conduit = hal::FirmwareConduit::none;
}

int64_t cpu_on(uint64_t hardware_id, hal::HostPhys entry, uint64_t context) {
  return call(firmware.cpu_on, hardware_id, entry.value(), context);
}
void cpu_off() {
  if (firmware.cpu_off != 0) (void)call(firmware.cpu_off);
}
// Version 0.1 has neither (DEN0022 5.1).
void system_off() {
  if (firmware.has_fixed_calls) (void)call(system_off_id);
}
void system_reset() {
  if (firmware.has_fixed_calls) (void)call(system_reset_id);
}

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
