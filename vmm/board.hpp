// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "config/boards.hpp"
#include "hal/base/fdt.hpp"
#include "hal/base/format.hpp"
#include "hal/base/result.hpp"
#include "hal/start_state.hpp"
#include "hal/vcpu.hpp"
#include "mm/heap.hpp"
#include "vmm/board_common.hpp"
#include "vmm/loader/image.hpp"
#include "vmm/mmio.hpp"

namespace vmm {

class Vm;
class Vcpu;
enum class VmError : uint8_t;

// The board that a guest sees: its interrupt controller, devices and firmware. One folder per architecture,
// vmm/<architecture>/board/, chosen by the build, each with a class vmm::Board of this shape. It derives from
// BoardCommon, which has what does not depend on the architecture.
template <class B>
concept VirtualBoard = std::derived_from<B, BoardCommon> &&
    requires(B& board, Vm& vm, Vcpu& vcpu, hal::Vcpu& processor, VcpuIndex index, uint32_t id, uint64_t value,
             const hal::StartState& start, const LoadPlan& plan, std::span<const std::byte> own,
             std::span<std::byte> buffer, hal::TextSink& sink) {
  // Whose images it starts.
  { B::isa } -> std::convertible_to<GuestIsa>;
  // Devices join the VM's bus. The log says why not.
  { B::create(vm) } -> std::same_as<hal::Result<mm::Owned<B>, VmError>>;
  // The board's map, by which VM files are checked and RAM is laid out.
  { B::description() } -> std::same_as<const config::Board&>;
  // Of the machine's GIC, which is that of its VMs; 0: there is none.
  { B::gic_version() } -> std::same_as<unsigned>;
  // Of the vectors that guests can have by SVE, as Machine::sve_lengths; 0: no SVE.
  { B::sve_lengths() } -> std::same_as<uint16_t>;
  // Do all CPUs have performance monitors for guests?
  { B::has_pmu() } -> std::same_as<bool>;
  // The hardware half of a vCPU learns who it is.
  { board.identify(vcpu) } -> std::same_as<void>;

  // vCPU `index` takes the CPU (after hal::Vcpu::load()) or gives it away (before save()).
  { board.load(index) } -> std::same_as<void>;
  { board.save(index) } -> std::same_as<void>;
  // Before each entry into the guest, on the CPU that runs the vCPU.
  { board.needs_flush(index) } -> std::same_as<bool>;
  { board.flush(index) } -> std::same_as<void>;
  // Would an interrupt, or that of its own timer if it came, end its WFI now?
  { board.has_pending(index) } -> std::same_as<bool>;
  { board.timer_would_wake(index) } -> std::same_as<bool>;

  // A call that needs nothing of the VM. False: it is for call().
  { B::answer_at_once(processor) } -> std::same_as<bool>;
  { board.call(vcpu) } -> std::same_as<void>;
  // As hal::upcall::guest_register_read() and guest_register_write().
  { board.register_read(vcpu, id, value) } -> std::same_as<bool>;
  { board.register_write(vcpu, id, value) } -> std::same_as<bool>;

  // Show the guest for how long the vCPU has waited for a CPU, where it asked to see that; on the vCPU's task.
  { board.tell_stolen_time(vcpu) } -> std::same_as<void>;

  // Everything to power-on; no vCPU is loaded. Then the primary one gets its first start.
  { board.reset() } -> std::same_as<void>;
  { board.boot(start) } -> std::same_as<void>;
  // The start that vCPU `index` was given since it was last asked; reset_vcpu() follows.
  { board.take_start(index) } -> std::same_as<std::optional<hal::StartState>>;
  { board.reset_vcpu(index) } -> std::same_as<void>;

  // The guest's device tree. `own`: the one that the VM file names, or empty.
  { board.describe(plan, own, buffer) } -> std::same_as<hal::Result<std::span<const std::byte>, hal::FdtError>>;

  // Interrupts given to a vCPU so far, on any CPU; the interrupt controller's state in words,
  // for post-mortems, while no vCPU is loaded.
  { board.injected(index) } -> std::same_as<uint64_t>;
  { board.report(sink) } -> std::same_as<void>;
};

}  // namespace vmm

#include <board/board.hpp>  // vmm/<architecture>/board/

namespace vmm {
static_assert(VirtualBoard<Board>, "board/board.hpp does not keep the contract of vmm/board.hpp");
}  // namespace vmm
