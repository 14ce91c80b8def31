// SPDX-License-Identifier: Apache-2.0
// A VM's interrupt controller with one CPU for each vCPU, driven the way the vCPU loop drives it.
#pragma once

#include <atomic>
#include <cstring>
#include <memory>
#include <vector>

#include "arch/aarch64/regs/gic.hpp"
#include "tests/fakes/list_registers.hpp"
#include "vmm/irq/vgic/sync.hpp"
#include "vmm/irq/vgic/vgic.hpp"

namespace vgic_test {

using vmm::VcpuIndex;
using vmm::vgic::Config;
using vmm::vgic::Version;
using vmm::vgic::Vgic;

// Guest RAM of 1 MiB at 0x4000'0000.
class Memory final : public vmm::vgic::GuestMemoryAccess {
 public:
  static constexpr uint64_t base = 0x4000'0000;
  Memory() : bytes_(0x10'0000) {}

  bool read(hal::GuestPhys from, std::span<std::byte> to) override {
    if (!inside(from, to.size())) return false;
    std::memcpy(to.data(), bytes_.data() + (from.value() - base), to.size());
    return true;
  }
  bool write(hal::GuestPhys to, std::span<const std::byte> from) override {
    if (!inside(to, from.size())) return false;
    std::memcpy(bytes_.data() + (to.value() - base), from.data(), from.size());
    return true;
  }
  [[nodiscard]] std::byte* at(uint64_t address) { return bytes_.data() + (address - base); }
  void put64(uint64_t address, uint64_t value) { std::memcpy(at(address), &value, sizeof value); }

 private:
  [[nodiscard]] bool inside(hal::GuestPhys at, size_t size) const {
    return at.value() >= base && at.value() - base <= bytes_.size() && size <= bytes_.size() - (at.value() - base);
  }
  std::vector<std::byte> bytes_;
};

class Machine final : public vmm::VcpuKicker {
 public:
  explicit Machine(Config config, unsigned list_registers = 4)
      : config_(config),
        storage_(static_cast<std::byte*>(::operator new(Vgic::storage_size(config), std::align_val_t{64})), Free{}),
        vgic_(std::make_unique<Vgic>(config, std::span(storage_.get(), Vgic::storage_size(config)),
                                     vmm::vgic::cpu_interface<fakes::ListRegisters>, *this, memory_)),
        cpus_(config.vcpus),
        kicks_(config.vcpus),
        mmio_(vgic_->devices()) {
    for (fakes::VirtualCpu& cpu : cpus_) cpu.lr_count = list_registers;
  }

  void kick(VcpuIndex vcpu) override {
    ++kicks_[vcpu];
    if (!prompt_kicks_ || !cpus_[vcpu].runs) return;
    fakes::VirtualCpu* const caller = fakes::ListRegisters::cpu;
    on(vcpu);
    if (vgic_->needs_flush(vcpu)) vgic_->flush(vcpu);
    fakes::ListRegisters::cpu = caller;
  }
  // A kicked vCPU that runs leaves its guest and flushes before kick() returns.
  void kick_promptly(bool promptly) { prompt_kicks_ = promptly; }

  Vgic& vgic() { return *vgic_; }
  Memory& memory() { return memory_; }
  fakes::VirtualCpu& cpu(VcpuIndex vcpu) { return cpus_[vcpu]; }
  unsigned kicks(VcpuIndex vcpu) { return kicks_[vcpu]; }

  // --- vCPU loop ---

  // Be the CPU that runs this vCPU.
  void on(VcpuIndex vcpu) { fakes::ListRegisters::cpu = &cpus_[vcpu]; }
  void load(VcpuIndex vcpu) { on(vcpu), vgic_->load(vcpu), cpus_[vcpu].runs = true; }
  void save(VcpuIndex vcpu) { on(vcpu), cpus_[vcpu].runs = false, vgic_->save(vcpu); }
  bool has_pending(VcpuIndex vcpu) { return on(vcpu), vgic_->has_pending(vcpu); }
  void load_all() {
    for (VcpuIndex i = 0; i < config_.vcpus; ++i) load(i);
  }
  // Enter the guest: take what interrupts the hypervisor, flush, until nothing is left to do. (In a storm, others give work
  // all the time.)
  void enter(VcpuIndex vcpu) {
    on(vcpu);
    for (int rounds = 0; rounds < 10000; ++rounds) {
      if (cpus_[vcpu].maintenance() && !vgic_->maintenance(vcpu)) cpus_[vcpu].given_up = true;
      if (cpus_[vcpu].timer_fires()) {
        cpus_[vcpu].timer_active = true;
        vgic_->timer_fired(vcpu);
      }
      if (vgic_->needs_flush(vcpu)) vgic_->flush(vcpu);
      if (!cpus_[vcpu].maintenance() && !cpus_[vcpu].timer_fires() && !vgic_->needs_flush(vcpu)) return;
    }
    std::abort();  // the hypervisor would never get into the guest
  }
  void enter_all() {
    for (VcpuIndex i = 0; i < config_.vcpus; ++i) enter(i);
  }

  // --- The guest's instructions; each enters the guest first, as hardware would leave it for what is due ---

  bool irq(VcpuIndex vcpu) { return enter(vcpu), cpus_[vcpu].irq(); }
  uint32_t acknowledge(VcpuIndex vcpu) { return enter(vcpu), cpus_[vcpu].acknowledge(config_.version == Version::v2); }
  void end(VcpuIndex vcpu, uint32_t intid) {
    enter(vcpu);
    cpus_[vcpu].end(intid);
    enter(vcpu);
  }
  // ICC_PMR, ICC_IGRPEN0/1, ICC_CTLR.
  void set_vmcr(VcpuIndex vcpu, uint32_t value) { enter(vcpu), cpus_[vcpu].vmcr = value, enter(vcpu); }
  // Both groups on, everything allowed, every priority preempts.
  void open(VcpuIndex vcpu) { set_vmcr(vcpu, open_vmcr); }
  static constexpr uint32_t open_vmcr = static_cast<uint32_t>(
      arch::gic::ich_vmcr::VENG0::mask | arch::gic::ich_vmcr::VENG1::mask | arch::gic::ich_vmcr::VPMR::of(0xff) |
      arch::gic::ich_vmcr::VBPR1::of(3) | arch::gic::ich_vmcr::VBPR0::of(2));

  uint64_t read(VcpuIndex vcpu, vmm::MmioDevice& device, uint64_t offset, uint8_t size = 4) {
    on(vcpu);
    return device.read({offset, size, vcpu});
  }
  void write(VcpuIndex vcpu, vmm::MmioDevice& device, uint64_t offset, uint64_t value, uint8_t size = 4) {
    on(vcpu);
    device.write({offset, size, vcpu}, value);
  }
  uint64_t gicd(uint64_t offset, VcpuIndex vcpu = 0, uint8_t size = 4) {
    return read(vcpu, *mmio_.distributor, offset, size);
  }
  void set_gicd(uint64_t offset, uint64_t value, VcpuIndex vcpu = 0, uint8_t size = 4) {
    write(vcpu, *mmio_.distributor, offset, value, size);
  }
  // RD_base of `frame` from 0, SGI_base from 0x10000.
  uint64_t gicr(VcpuIndex frame, uint64_t offset, VcpuIndex vcpu, uint8_t size = 4) {
    return read(vcpu, *mmio_.redistributors, frame * arch::gic::gicr::stride + offset, size);
  }
  void set_gicr(VcpuIndex frame, uint64_t offset, uint64_t value, VcpuIndex vcpu, uint8_t size = 4) {
    write(vcpu, *mmio_.redistributors, frame * arch::gic::gicr::stride + offset, value, size);
  }
  // Bank registers by INTID, private ones where the version has them. `reg` is the offset of the first in GICD.
  uint64_t bits(uint64_t reg, uint32_t intid, VcpuIndex vcpu) {
    if (intid < 32 && config_.version == Version::v3) return gicr(vcpu, 0x10000 + reg, vcpu);
    return gicd(reg + intid / 32 * 4, vcpu);
  }
  void set_bits(uint64_t reg, uint32_t intid, uint32_t value, VcpuIndex vcpu) {
    if (intid < 32 && config_.version == Version::v3) return set_gicr(vcpu, 0x10000 + reg, value, vcpu);
    set_gicd(reg + intid / 32 * 4, value, vcpu);
  }
  bool bit(uint64_t reg, uint32_t intid, VcpuIndex vcpu = 0) { return (bits(reg, intid, vcpu) >> intid % 32 & 1) != 0; }
  void set_bit(uint64_t reg, uint32_t intid, VcpuIndex vcpu = 0) { set_bits(reg, intid, 1u << intid % 32, vcpu); }
  void set_priority(uint32_t intid, uint8_t priority, VcpuIndex vcpu = 0) {
    const uint64_t offset = arch::gic::gicd::IPRIORITYR + intid;
    if (intid < 32 && config_.version == Version::v3) return set_gicr(vcpu, 0x10000 + offset, priority, vcpu, 1);
    set_gicd(offset, priority, vcpu, 1);
  }
  vmm::vgic::Vgic::Devices& mmio() { return mmio_; }

 private:
  struct Free {
    void operator()(std::byte* pointer) const { ::operator delete(pointer, std::align_val_t{64}); }
  };

  Config config_;
  Memory memory_;
  std::unique_ptr<std::byte, Free> storage_;
  std::unique_ptr<Vgic> vgic_;
  std::vector<fakes::VirtualCpu> cpus_;
  std::vector<std::atomic<unsigned>> kicks_;
  bool prompt_kicks_ = false;
  vmm::vgic::Vgic::Devices mmio_;
};

}  // namespace vgic_test
