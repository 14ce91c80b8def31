// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <span>

#include "config/boards.hpp"
#include "hal/base/fdt.hpp"
#include "hal/base/lock.hpp"
#include "hal/base/result.hpp"
#include "hal/start_state.hpp"
#include "hal/vcpu.hpp"
#include "mm/heap.hpp"
#include "vmm/board_common.hpp"
#include "vmm/irq/loongson/iocsr.hpp"
#include "vmm/irq/loongson/pch_pic.hpp"
#include "vmm/loader/image.hpp"
#include "vmm/loongarch64/kvm_calls.hpp"
#include "vmm/pci/bus.hpp"
#include "vmm/stolen_time.hpp"

namespace vmm {

class Vm;
class Vcpu;
enum class VmError : uint8_t;

// The LoongArch board: QEMU's `virt`, as config/loongarch64_virt.hpp has it.
//
//     devices --> PCH-PIC --> EIOINTC --> lines of a vCPU --flush()--> GINTC and ESTAT of the CPU that runs it
//                 PCH-MSI --^      IPI --^
class Board final : public BoardCommon, public loongson::SecondaryStart {
 public:
  // Errors: not_possible when the VM wants what this board does not have; out_of_memory. The log says which.
  static hal::Result<mm::Owned<Board>, VmError> create(Vm& vm);
  explicit Board(Vm& vm);
  ~Board() { unplug(); }
  Board(const Board&) = delete;
  Board& operator=(const Board&) = delete;

  void identify(Vcpu& vcpu);

  // --- on the CPU that runs the vCPU ---
  void load(VcpuIndex index) { flush(index); }
  void save(VcpuIndex) {}
  [[nodiscard]] bool needs_flush(VcpuIndex index) const { return lines_.lines(index) != shown_[index].lines; }
  void flush(VcpuIndex index);
  [[nodiscard]] bool has_pending(VcpuIndex index);
  // Its timer's interrupt is among those that IDLE waits for, whether or not it is let through.
  [[nodiscard]] static constexpr bool timer_would_wake(VcpuIndex) { return true; }

  // --- what a guest did ---
  // No call is so frequent that it is answered before call() is reached.
  [[nodiscard]] static constexpr bool answer_at_once(hal::Vcpu&) { return false; }
  void call(Vcpu& vcpu);
  // Show the guest for how long `vcpu` has waited for a CPU. On its task.
  void tell_stolen_time(Vcpu& vcpu);
  // IOCSRs, and what a monitor says of itself by CPUCFG; `id` as <arch/vcpu.hpp> encodes it.
  [[nodiscard]] bool register_read(Vcpu& vcpu, uint32_t id, uint64_t& value);
  [[nodiscard]] bool register_write(Vcpu& vcpu, uint32_t id, uint64_t value);

  // --- life cycle; no vCPU is loaded ---
  void reset();
  void boot(const hal::StartState& start);
  [[nodiscard]] std::optional<hal::StartState> take_start(VcpuIndex index);
  void reset_vcpu(VcpuIndex index) { shown_[index].lines = 0; }

  static constexpr GuestIsa isa = GuestIsa::loongarch64;
  // The guest's device tree. `own`: the one that the VM file names, or empty.
  hal::Result<std::span<const std::byte>, hal::FdtError> describe(const LoadPlan& plan, std::span<const std::byte> own,
                                                                  std::span<std::byte> buffer);
  [[nodiscard]] static constexpr unsigned gic_version() { return 0; }
  [[nodiscard]] static constexpr uint16_t sve_lengths() { return 0; }
  [[nodiscard]] static constexpr bool has_pmu() { return false; }
  // The board's map, by which VM files are checked and RAM is laid out.
  [[nodiscard]] static const config::Board& description() { return config::loongarch64_board; }

  void report(hal::TextSink& sink);
  [[nodiscard]] uint64_t injected(VcpuIndex index) const {
    return shown_[index].injected.load(std::memory_order_relaxed);
  }

  // --- SecondaryStart ---
  void start_vcpu(VcpuIndex vcpu, hal::GuestPhys entry) override;

 private:
  // What the CPU that runs a vCPU was told of its lines. Its task's.
  struct Shown {
    uint32_t lines = 0;
    std::atomic<uint64_t> injected{0};  // lines that rose
  };
  enum class Power : uint8_t { off, start_pending, on };
  struct Start {
    Power power = Power::off;
    hal::StartState state{};
  };

  loongson::CpuLines lines_;
  loongson::Ipi ipi_;
  loongson::Eiointc eiointc_;
  loongson::Iocsr iocsr_;
  loongson::PchPic pch_pic_;
  loongson::PchMsi pch_msi_;
  pci::Bus pci_;
  loongarch64::KvmCalls kvm_;
  struct Stolen {
    hal::GuestPhys record{};
    StolenTime time;
  };
  std::array<Stolen, max_vcpus> stolen_;  // the vCPU's task's
  std::array<Shown, max_vcpus> shown_;
  hal::SpinLock power_lock_{hal::LockRank::psci};
  std::array<Start, max_vcpus> starts_ PLINTH_GUARDED_BY(power_lock_);
};

}  // namespace vmm
