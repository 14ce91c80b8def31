// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "hal/base/address.hpp"
#include "hal/base/lock.hpp"
#include "vmm/aarch64/affinity.hpp"
#include "vmm/device/random_source.hpp"
#include "vmm/mmio.hpp"

namespace vmm::aarch64 {

// Registers X0..X3 of a guest that executed HVC #0 or SMC #0 (Arm DEN0028, SMC calling convention).
struct FirmwareCall {
  std::array<uint64_t, 4> x;
};

// What PSCI asks about a VM's memory. Called with the PSCI lock held; must take only locks of a higher rank.
class GuestEntryCheck {
 public:
  // May a vCPU begin to execute there? (Guest RAM or ROM that is mapped executable.)
  virtual bool is_executable(hal::GuestPhys entry) = 0;

 protected:
  ~GuestEntryCheck() = default;
};

// What this machine's firmware and CPUs say about the speculation workarounds of DEN0028 section 7, as
// SMCCC_ARCH_FEATURES reports them: 0 the guest should call, 1 it need not, -1 unknown. Numbers 1 and 3 have no
// argument and leave nothing behind, so that the machine's firmware can be asked on a guest's behalf; number 2 is a
// switch of the CPU, which no guest may turn.
struct FirmwareWorkarounds {
  int32_t workaround_1 = -1;
  int32_t workaround_2 = -1;
  int32_t workaround_3 = -1;
};

// What the firmware of a VM offers beside PSCI.
struct FirmwareOffers {
  FirmwareWorkarounds workarounds{};
  // The records of stolen time, one a vCPU (DEN0057 3.2); none: PV_TIME is not offered.
  std::optional<hal::GuestPhys> stolen_times{};
  // What TRNG gives; null: it is not offered.
  RandomSource* random = nullptr;
};

// What a vCPU's loop must do after a firmware call.
struct FirmwareAction {
  enum class Kind : uint8_t {
    resume,        // write `results`, run on
    mitigate_1,    // write `results`, have the machine's firmware do ARCH_WORKAROUND_1 on this CPU, run on
    mitigate_3,    // the same with ARCH_WORKAROUND_3
    suspend,       // write `results`, then wait for an interrupt as for WFI
    steal_time,    // write `results`, keep the record of the time stolen from this vCPU from now on, run on
    start_vcpu,    // write `results`, make `target` look at take_start(), run on
    power_off,     // this vCPU is off: wait until take_start() has something for it
    system_off,    // stop the VM
    system_reset,  // restart the VM, or what its configuration says
  };
  Kind kind = Kind::resume;
  VcpuIndex target = 0;
  std::array<uint64_t, 4> x{};  // X0..X3 for the caller; a call changes no other register
};

// Firmware of one VM: PSCI 1.1 (Arm DEN0022D), the SMC calling convention 1.2 (Arm DEN0028), paravirtualized time
// (Arm DEN0057, stolen time) and random numbers (Arm DEN0098, TRNG 1.0), the same by HVC and by SMC. A closed list:
// whatever it does not know is NOT_SUPPORTED.
//
// It keeps the power state of each vCPU (DEN0022D figure 1) under one lock of rank `psci`:
//
//     off --CPU_ON, boot()--> on_pending --take_start()--> on --CPU_OFF--> off
//
// Thread-safe. call() is made by the vCPU itself; the entry point of a starting vCPU waits here until that vCPU's own
// loop fetches it, so that no order of CPU_ON, CPU_OFF and AFFINITY_INFO can lose or double a start.
class Psci {
 public:
  enum class Power : uint8_t { off, on_pending, on };
  struct Start {
    hal::GuestPhys entry;
    uint64_t context;  // for X0
  };

  // Of the record of stolen time (DEN0057 table 2).
  static constexpr uint64_t stolen_time_size = 64;
  static constexpr uint64_t stolen_time_offset = 8;  // of the nanoseconds; all before and behind it is 0

  Psci(AffinityMap affinities, GuestEntryCheck& entries, FirmwareOffers offers);

  // A function that only states a version, or that is of a range where nothing is known, for the exit path to answer
  // before it looks any further: calls answer(value). False: call() knows.
  template <class Answer>
  [[nodiscard]] static constexpr bool answer_at_once(uint64_t function, Answer answer) {
    const auto id = static_cast<uint32_t>(function);
    switch (service(id)) {
      case standard_secure:
        if (id != psci_version_id) return false;
        answer(psci_1_1);
        return true;
      case arm_architecture:
        if (id != smccc_version_id) return false;
        answer(smccc_1_2);
        return true;
      case vendor_hypervisor:
        if ((id & 0xff'fffc) == 0xff00) return false;
        break;
      case standard_hypervisor:
        if ((id & 0xff'fffe) == 0x20) return false;
        break;
      default: break;
    }
    answer(~uint64_t{0});  // NOT_SUPPORTED
    return true;
  }

  // Carry out the call of `vcpu`. Changes power states; everything else is the caller's to do.
  [[nodiscard]] FirmwareAction call(VcpuIndex vcpu, const FirmwareCall& call);

  // The vCPU's loop: is there a start for me? Then I am on.
  [[nodiscard]] std::optional<Start> take_start(VcpuIndex vcpu);

  // Give the primary vCPU its first start, as if by CPU_ON; every other one is off. The VM is not running.
  void boot(hal::GuestPhys entry, uint64_t context);
  // All off, pending starts forgotten. The VM is not running.
  void reset();

  [[nodiscard]] Power power(VcpuIndex vcpu) const;
  // Is no vCPU on or about to be? Then the guest can never run again by itself.
  [[nodiscard]] bool all_off() const;

 private:
  static constexpr uint32_t psci_version_id = 0x8400'0000;
  static constexpr uint32_t smccc_version_id = 0x8000'0000;
  static constexpr uint64_t psci_1_1 = 0x1'0001;
  static constexpr uint64_t smccc_1_2 = 0x1'0002;

  // The service call range (DEN0028 section 2.5), whatever the width of the convention.
  static constexpr uint32_t service(uint32_t id) { return (id & ~(1U << 30)) >> 24; }
  static constexpr uint32_t arm_architecture = 0x80, standard_secure = 0x84, standard_hypervisor = 0x85,
                            vendor_hypervisor = 0x86;

  struct Vcpu {
    Power power = Power::off;
    Start start{};
  };
  struct Arguments;
  using Handler = FirmwareAction (Psci::*)(VcpuIndex, const Arguments&);
  struct Function;
  static const Function* find(uint32_t id);

  FirmwareAction stated_version(VcpuIndex, const Arguments&);
  FirmwareAction features(VcpuIndex, const Arguments&);
  FirmwareAction cpu_suspend(VcpuIndex, const Arguments&);
  FirmwareAction cpu_off(VcpuIndex, const Arguments&);
  FirmwareAction cpu_on(VcpuIndex, const Arguments&);
  FirmwareAction affinity_info(VcpuIndex, const Arguments&);
  FirmwareAction migrate_info_type(VcpuIndex, const Arguments&);
  FirmwareAction system_off(VcpuIndex, const Arguments&);
  FirmwareAction system_reset(VcpuIndex, const Arguments&);
  FirmwareAction system_reset2(VcpuIndex, const Arguments&);
  FirmwareAction arch_features(VcpuIndex, const Arguments&);
  FirmwareAction arch_workaround(VcpuIndex, const Arguments&);
  FirmwareAction pv_time_features(VcpuIndex, const Arguments&);
  FirmwareAction pv_time_st(VcpuIndex, const Arguments&);
  FirmwareAction trng_version(VcpuIndex, const Arguments&);
  FirmwareAction trng_features(VcpuIndex, const Arguments&);
  FirmwareAction trng_uuid(VcpuIndex, const Arguments&);
  FirmwareAction trng_rnd(VcpuIndex, const Arguments&);
  FirmwareAction hypervisor_uid(VcpuIndex, const Arguments&);
  FirmwareAction hypervisor_revision(VcpuIndex, const Arguments&);

  const AffinityMap affinities_;
  GuestEntryCheck& entries_;
  const FirmwareOffers offers_;
  mutable hal::SpinLock lock_{hal::LockRank::psci};
  std::array<Vcpu, max_vcpus> vcpus_ PLINTH_GUARDED_BY(lock_);
};

}  // namespace vmm::aarch64
