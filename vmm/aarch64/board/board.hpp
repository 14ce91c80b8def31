// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <arch/guest_features.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "config/boards.hpp"
#include "hal/base/fdt.hpp"
#include "hal/base/result.hpp"
#include "hal/start_state.hpp"
#include "hal/vcpu.hpp"
#include "mm/frames.hpp"
#include "mm/heap.hpp"
#include "vmm/aarch64/affinity.hpp"
#include "vmm/aarch64/board/guest_ram.hpp"
#include "vmm/aarch64/board/physical_timer.hpp"
#include "vmm/aarch64/psci.hpp"
#include "vmm/board_common.hpp"
#include "vmm/irq/vgic/gicv2m.hpp"
#include "vmm/irq/vgic/vgic.hpp"
#include "vmm/loader/image.hpp"
#include "vmm/pci/bus.hpp"
#include "vmm/stolen_time.hpp"

namespace vmm {

class Vm;
class Vcpu;
enum class VmError : uint8_t;

// The AArch64 board: QEMU's `virt`, as config/aarch64_virt.hpp has it.
class Board final : public BoardCommon {
 public:
  // Errors: not_possible when the VM wants another GIC than the host has, or more vCPUs than it can serve;
  // out_of_memory. The log says which.
  static hal::Result<mm::Owned<Board>, VmError> create(Vm& vm);
  Board(Vm& vm, const vgic::Config& gic, mm::OwnedFrames gic_storage);
  ~Board() { unplug(); }
  Board(const Board&) = delete;
  Board& operator=(const Board&) = delete;

  // The hardware half of vCPU `index` learns who it is.
  void identify(Vcpu& vcpu);

  // --- on the CPU that runs the vCPU ---
  void load(VcpuIndex index) { gic_.load(index); }
  void save(VcpuIndex index) { gic_.save(index); }
  [[nodiscard]] bool needs_flush(VcpuIndex index) const { return gic_.needs_flush(index); }
  void flush(VcpuIndex index) { gic_.flush(index); }
  [[nodiscard]] bool has_pending(VcpuIndex index) { return gic_.has_pending(index); }
  [[nodiscard]] bool timer_would_wake(VcpuIndex index) { return gic_.timer_would_wake(index); }
  void timer_fired(VcpuIndex index) { gic_.timer_fired(index); }
  // False: the interrupt controller cannot go on, see Vgic::maintenance().
  [[nodiscard]] bool maintenance(VcpuIndex index) { return gic_.maintenance(index); }

  // --- what a guest did ---
  // What firmware answers to every VM alike, and what call() is not needed for.
  [[nodiscard]] static bool answer_at_once(hal::Vcpu& vcpu) {
    return aarch64::Psci::answer_at_once(vcpu.reg(0), [&vcpu](uint64_t answer) { vcpu.set_reg(0, answer); });
  }
  void call(Vcpu& vcpu);
  [[nodiscard]] bool register_read(Vcpu& vcpu, uint32_t id, uint64_t& value);
  [[nodiscard]] bool register_write(Vcpu& vcpu, uint32_t id, uint64_t value);

  // Show the guest for how long `vcpu` has waited for a CPU. On its task.
  void tell_stolen_time(Vcpu& vcpu);

  // --- life cycle; no vCPU is loaded ---
  void reset();
  void boot(const hal::StartState& start) { psci_.boot(start.pc, start.arguments[0]); }
  [[nodiscard]] std::optional<hal::StartState> take_start(VcpuIndex index);
  void reset_vcpu(VcpuIndex index);
  // Beside the devices, its vCPUs' physical timers stand still.
  void pause();
  void resume(hal::Ticks passed);

  // The guest's device tree. `own`: the one that the VM file names, or empty.
  hal::Result<std::span<const std::byte>, hal::FdtError> describe(const LoadPlan& plan, std::span<const std::byte> own,
                                                                  std::span<std::byte> buffer);
  // Of the machine's GIC, which is that of its VMs.
  [[nodiscard]] static unsigned gic_version();
  [[nodiscard]] static uint16_t sve_lengths();
  [[nodiscard]] static bool has_pmu();
  // The board's map, by which VM files are checked and RAM is laid out.
  [[nodiscard]] static const config::Board& description() { return config::aarch64_board; }
  static constexpr GuestIsa isa = GuestIsa::aarch64;

  [[nodiscard]] vgic::Vgic& gic() { return gic_; }
  [[nodiscard]] PhysicalTimer& physical_timer(VcpuIndex index) { return *physical_timers_[index].timer; }
  // The interrupt controller's state in words, for post-mortems. No vCPU is loaded.
  void report(hal::TextSink& sink) { gic_.describe(sink); }
  // Interrupts given to a vCPU. Any CPU.
  [[nodiscard]] uint64_t injected(VcpuIndex index) const { return gic_.injected(index); }

 private:
  hal::Result<void, VmError> make_machine();
  hal::Result<void, VmError> make_stolen_times();
  hal::Result<void, VmError> make_room_for_sve();
  [[nodiscard]] MsiSink* messages();
  void end_without_vcpus(Vcpu& vcpu);
  [[nodiscard]] bool read_gic_register(uint32_t id, uint64_t& value) const;
  [[nodiscard]] bool write_gic_register(VcpuIndex index, uint32_t id, uint64_t value);

  GuestRam ram_;
  const aarch64::AffinityMap affinities_;
  mm::OwnedFrames gic_storage_;
  const arch::GuestFeatures features_;
  mm::OwnedArray<arch::SveQuad> sve_storage_;  // of all vCPUs; with features_.sve_quads
  vgic::Vgic gic_;
  vgic::Gicv2m gicv2m_;  // of a GICv2
  pci::Bus pci_;
  aarch64::Psci psci_;
  // Of a size by which an exit finds its vCPU's without multiplying.
  struct alignas(128) TimerPlace {
    std::optional<PhysicalTimer> timer;
  };
  std::array<TimerPlace, max_vcpus> physical_timers_;
  std::span<std::byte> stolen_time_records_;  // what the guest reads; empty: none is offered
  std::array<StolenTime, max_vcpus> stolen_times_;
};

}  // namespace vmm
