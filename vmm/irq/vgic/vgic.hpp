// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "hal/base/format.hpp"
#include "vmm/irq/line.hpp"
#include "vmm/irq/vgic/config.hpp"
#include "vmm/irq/vgic/deliverable.hpp"
#include "vmm/irq/vgic/guest_memory.hpp"
#include "vmm/irq/vgic/its.hpp"
#include "vmm/irq/vgic/mmio_frames.hpp"
#include "vmm/irq/vgic/model.hpp"

namespace vmm::vgic {

// The interrupt controller of one VM: GICv2, or GICv3 with an optional ITS; one Security state (GICD_CTLR.DS = 1), five
// priority bits. IHI 0069; IHI 0048 for version 2.
//
//     devices -> set_level ----> Bank (SPIs) ------\                      list registers
//     ITS ---------------------> LpiSet per vCPU ---+--> flush() -------> of the CPU that
//     SGIs, timer -------------> Bank per vCPU ----/     <-- fold         runs the vCPU
//
// A change marks the vCPUs it concerns (CpuContext::work) and kicks those. On its way into the guest a vCPU looks at
// its mark and, only if it is set, moves interrupts into list registers. They stay loaded across exits, and are read
// back only when an interrupt in one of them is changed from outside, on a maintenance interrupt, and when the vCPU is
// switched out.
//
// Locks: one per bank, one per LpiSet, one for the ITS, which alone takes one of the others while it holds its own.
// VcpuKicker is called with none held. Everything is callable from any CPU where nothing else is said.
//
// Use by the vCPU loop, interrupts masked:
//
//     vgic.load(v)              when the vCPU takes the CPU, after its virtual timer is loaded
//     if (vgic.needs_flush(v)) vgic.flush(v)       last thing before each entry
//     vgic.maintenance(v)       on the maintenance interrupt
//     vgic.timer_fired(v)       on the guest's timer interrupt: acknowledged, priority dropped, left active
//     vgic.save(v)              when the vCPU gives the CPU away, before its virtual timer is saved
//
// Version 2 on the host: stage 2 maps GICV's first page at Config::cpu_interface and nothing behind it. Version 3:
// traps of ICC_SGI*R_EL1 and ICC_DIR_EL1 go to send_sgi() and deactivate(); all other ICC_* registers are the
// hardware's.
class Vgic final : public IrqSink, public MsiSink {
 public:
  [[nodiscard]] static bool is_valid(const Config& config);
  // Bytes that the owner gives to the constructor, aligned to 64, and keeps until after the destructor.
  [[nodiscard]] static size_t storage_size(const Config& config);

  // `config` is valid. `hardware` is cpu_interface<L> of sync.hpp for the ListRegisters that the host's CPUs have.
  Vgic(const Config& config, std::span<std::byte> storage, const CpuInterface& hardware, VcpuKicker& kicker,
       GuestMemoryAccess& memory);
  ~Vgic() = default;
  Vgic(const Vgic&) = delete;
  Vgic& operator=(const Vgic&) = delete;

  [[nodiscard]] const Config& config() const { return model_.config; }

  // Devices: drive an SPI (`irq` is its INTID). Unknown INTIDs are ignored.
  void set_level(VirtualIrq irq, bool level) override;
  // Drive a PPI of one vCPU, but for the virtual timer's, which the hardware drives.
  void set_private_level(VcpuIndex vcpu, IntId ppi, bool level);
  // A device's message to the ITS: `data` is the EventID. Does nothing without an ITS.
  void send_msi(uint32_t device_id, uint32_t data) override;

  // The vCPU loop; see above. All on the CPU that runs `vcpu`.
  void load(VcpuIndex vcpu) { model_.hardware.load(model_, model_.cpus[vcpu]); }
  void save(VcpuIndex vcpu) { model_.hardware.save(model_, model_.cpus[vcpu]); }
  [[nodiscard]] bool needs_flush(VcpuIndex vcpu) const { return model_.cpus[vcpu].has_work(); }
  // May leave something to do, for needs_flush() to say: what takes long is done in parts.
  void flush(VcpuIndex vcpu) {
    const bool all = !its_.is_behind() || its_.catch_up();
    model_.hardware.flush(model_, model_.cpus[vcpu]);
    if (!all) model_.cpus[vcpu].work.fetch_or(CpuContext::add, std::memory_order_relaxed);
  }
  // False: the interrupt does not go away, and this vCPU's CPU interface was switched off. Nothing can be delivered to
  // it any more.
  [[nodiscard]] bool maintenance(VcpuIndex vcpu) { return model_.hardware.maintenance(model_, model_.cpus[vcpu]); }
  void timer_fired(VcpuIndex vcpu) { model_.hardware.timer_fired(model_, model_.cpus[vcpu]); }
  // What needs_flush() looks at: nonzero says yes. For a loop that wants to keep the address.
  [[nodiscard]] const std::atomic<uint32_t>& work(VcpuIndex vcpu) const { return model_.cpus[vcpu].work; }

  // Times an interrupt became pending in a list register. Any CPU.
  [[nodiscard]] uint64_t injected(VcpuIndex vcpu) const { return model_.cpus[vcpu].injected.get(); }

  // Would the CPU interface signal an interrupt now, so that WFI ends? Enables, groups, priority mask and running
  // priority are considered. The vCPU is loaded here, or nowhere.
  [[nodiscard]] bool has_pending(VcpuIndex vcpu);
  // Would the virtual timer's interrupt end WFI, if its line were high? For the choice whether to set a wake-up timer.
  [[nodiscard]] bool timer_would_wake(VcpuIndex vcpu);

  // A trapped write of ICC_SGI1R_EL1, ICC_SGI0R_EL1 or ICC_ASGI1R_EL1. The sender is kicked, too, if it has work.
  enum class SgiRegister : uint8_t { sgi1r, sgi0r, asgi1r };
  void send_sgi(VcpuIndex vcpu, SgiRegister which, uint64_t value);
  // Where ICC_DIR_EL1 cannot be trapped apart: what is trapped with it. The vCPU is loaded.
  [[nodiscard]] uint64_t read_common(CommonRegister which) const { return vgic::read_common(model_, which); }
  void write_common(CommonRegister which, uint64_t value) { vgic::write_common(model_, which, value); }
  // A trapped write of ICC_DIR_EL1.
  void deactivate(VcpuIndex vcpu, uint64_t value);

  // PSCI: the vCPU is off (it is not loaded) and gets no more 1-of-N interrupts; its CPU interface goes to the reset
  // state, its redistributor keeps its own. The next load() makes it eligible again.
  void reset_cpu_interface(VcpuIndex vcpu);
  // Everything back to the state after creation, but for the lines of devices, which are low. No vCPU is loaded.
  void reset();

  // For the VM's bus; null where a version does not have one. Their own reset() does nothing: reset() above does it.
  struct Devices {
    MmioDevice* distributor;
    MmioDevice* redistributors;  // version 3
    MmioDevice* its;             // version 3
    MmioDevice* cpu_interface;   // version 2: the second page (GICC_DIR)
  };
  [[nodiscard]] Devices devices();

  // The state as text, a line per interrupt that is enabled, pending or active, for post-mortems. What
  // running vCPUs hold in list registers appears as last known.
  void describe(hal::TextSink& out);

 private:
  void send_sgis(VcpuIndex vcpu, SgiRegister which, uint64_t value);
  void send_one_sgi(VcpuIndex vcpu, SgiRegister which, unsigned sgi, CpuContext& target);

  Model model_;
  Distributor distributor_;
  Redistributors redistributors_;
  DeactivatePage deactivate_page_;
  Its its_;
};

}  // namespace vmm::vgic
