// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "hal/base/lock.hpp"
#include "vmm/irq/loongson/cpu_lines.hpp"
#include "vmm/mmio.hpp"

namespace vmm::loongson {

// Who starts vCPUs: told when one has an interprocessor interrupt and an address in its mailbox 0, which is what firmware
// has a CPU that is off wait for. One that runs just takes the interrupt. Called without a lock of the controller's.
class SecondaryStart {
 public:
  virtual void start_vcpu(VcpuIndex vcpu, hal::GuestPhys entry) = 0;

 protected:
  ~SecondaryStart() = default;
};

// The interprocessor interrupts and mailboxes of a VM (Loongson 3A5000 user manual, chapter 10): 32 interrupts and four
// mailboxes of 64 bits for each vCPU, reached by IOCSRs. A vCPU's physical number is its index; what is aimed at a vCPU
// that the VM does not have is lost.
//
// One lock for each vCPU (rank `interrupt_source`).
class Ipi {
 public:
  // IOCSR addresses that read() and write() are for.
  static constexpr uint32_t base = 0x1000;
  static constexpr uint32_t mailboxes = 0x1020;
  static constexpr uint32_t send_register = 0x1040;
  static constexpr uint32_t mail_send_register = 0x1048;
  static constexpr uint32_t end = 0x1050;

  Ipi(VcpuIndex vcpus, CpuLines& lines, SecondaryStart& starter) : vcpus_(vcpus), lines_(lines), starter_(starter) {}

  // By vCPU `self`; `address` in [base, end), aligned to `size`. Registers that do not exist read as 0 and ignore
  // writes.
  [[nodiscard]] uint64_t read(VcpuIndex self, uint32_t address, unsigned size) const;
  void write(VcpuIndex self, uint32_t address, unsigned size, uint64_t value);
  // The interrupts of `bits` become pending for vCPU `target`, if there is one.
  void raise(VcpuIndex target, uint32_t bits);
  // What firmware does before a CPU that waited goes where its mailbox says: the interrupts that woke it are gone, and all
  // are enabled. Of the vCPU's starter, before the vCPU can run.
  void hand_over(VcpuIndex target);
  // A reset of the VM, which is stopped.
  void reset();

 private:
  struct Core {
    mutable hal::SpinLock lock{hal::LockRank::interrupt_source};
    std::atomic<uint32_t> status{0};  // changed under the lock; read by every handler, and so without
    uint32_t enable PLINTH_GUARDED_BY(lock) = 0;
    std::array<uint32_t, 8> mailbox PLINTH_GUARDED_BY(lock){};
  };
  [[nodiscard]] static uint32_t read_word(const Core& core, uint32_t address) PLINTH_REQUIRES(core.lock);
  void write_word(VcpuIndex self, uint32_t address, uint32_t value, uint32_t lanes);
  void send_mail(uint64_t value);
  [[nodiscard]] static uint64_t entry(const Core& core) PLINTH_REQUIRES(core.lock);
  void offer_start(VcpuIndex target, uint64_t entry);
  void update(VcpuIndex vcpu, const Core& core) PLINTH_REQUIRES(core.lock);

  const VcpuIndex vcpus_;
  CpuLines& lines_;
  SecondaryStart& starter_;
  std::array<Core, max_vcpus> cores_;
};

}  // namespace vmm::loongson
