// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "arch/aarch64/regs/guest_registers.hpp"
#include "arch/aarch64/regs/id_filter.hpp"
#include "arch/aarch64/regs/system.hpp"
#include "arch/aarch64/virt/debug.hpp"
#include "arch/aarch64/virt/pmu.hpp"
#include "arch/guest_features.hpp"
#include "arch/mmu.hpp"
#include "arch/sysreg.hpp"
#include "hal/access_kind.hpp"
#include "hal/base/address.hpp"
#include "hal/base/format.hpp"
#include "hal/base/result.hpp"
#include "hal/exit_class.hpp"
#include "hal/guest_inspector.hpp"
#include "hal/memory_access.hpp"
#include "hal/start_state.hpp"

namespace arch {

class Vcpu;

// What a guest exit saves: the guest's general registers and where it was. It lies on the stack of the vCPU's task, in
// the frame of the function that entered the guest for good; trap/vectors.S knows its layout.
//
//     stack top  | task entry  |
//                | GuestFrame  | <- SP_EL2 in the guest
//                | C++ frames  |    of the exit handlers, growing down
struct alignas(16) GuestFrame {
  // x[31] stands for the zero register of loads and stores: an exit writes 0 there, and what is put there is not looked
  // at.
  std::array<uint64_t, 32> x;
  uint64_t pc;
  uint64_t pstate;
  Vcpu* vcpu;
  uint64_t unused;  // whole stack slots

  [[nodiscard]] uint64_t get(unsigned n) const { return x[n]; }
  void set(unsigned n, uint64_t value) { x[n] = value; }
  // Step over the A64 instruction that exited, as executing it would have: its software step is over (D2.12.5), and it is
  // no longer the target of a branch (D8.4.5).
  void skip_instruction() {
    pc += 4;
    pstate &= ~(regs::spsr::ss::mask | regs::spsr::btype::mask);
  }
};
inline constexpr size_t frame_pc = 256, frame_pstate = 264, frame_vcpu = 272, frame_size = 288;
static_assert(offsetof(GuestFrame, pc) == frame_pc && offsetof(GuestFrame, pstate) == frame_pstate &&
                  offsetof(GuestFrame, vcpu) == frame_vcpu && sizeof(GuestFrame) == frame_size,
              "trap/vectors.S has these numbers");

// Where an exit goes, and how often it did. An exit reads and writes the pair, so that counting costs one addition and
// one store. The vCPU's own task writes, anybody may read.
using ExitHandler = void (*)(GuestFrame& frame, uint64_t esr);
struct ExitPoint {
  std::atomic<ExitHandler> handler;
  std::atomic<uint64_t> count;
};

// The points of a vCPU: three that are not told apart by a syndrome, then the exception classes of ESR_EL2.EC.
struct exit_point {
  static constexpr size_t interrupt = 0, system_error = 1, attention = 2, synchronous = 3, count = 3 + 64;
};

// All that an exit needs, on the stack of the vCPU's task. The registers come first.
struct ExitFrame : GuestFrame {
  std::array<ExitPoint, exit_point::count> points;
};
static_assert(sizeof(ExitPoint) == 16 && sizeof(ExitFrame) == frame_size + exit_point::count * sizeof(ExitPoint),
              "trap/vectors.S has these numbers");

struct alignas(16) GuestFloatingPoint {
  std::array<unsigned __int128, 32> v;
  uint64_t fpsr, fpcr;
};

// The hardware half of a vCPU: vmm::Vcpu derives from it. Owned by the vCPU's task; only the CPU that runs the task
// touches it, except `attention`.
class Vcpu {
 public:
  // Nonzero: upcall::guest_attention() is due before this vCPU enters the guest again. Any CPU may set bits. First, so
  // that trap/vectors.S finds it at offset 0.
  std::atomic<uint32_t> attention{0};

  // Identity and translation of the VM; set before the first reset and constant after.
  struct Identity {
    uint64_t mpidr = 0;                  // affinity bits as the guest reads them
    unsigned index = 0;                  // number in its VM
    Mmu::GuestRegime* regime = nullptr;  // stage 2
    GuestFeatures features{};
    std::span<SveQuad> sve;  // room for its state, where it has features.sve_quads
  };
  void identify(const Identity& identity);
  // The feature-ID register that its guest reads, by CRm * 8 + op2.
  [[nodiscard]] uint64_t id_register(unsigned op) const { return (*id_registers_)[op % regs::id_register_count]; }

  // Architectural reset (D1.3.2 as far as EL1 can see), to start in EL1h.
  void reset(const hal::StartState& start);

  // What the guest's counters lag behind ours, CNTVOFF_EL2. While it is not loaded.
  void set_counter_offset(uint64_t ticks) { counter_offset_ = ticks; }

  // Put this vCPU's state into the CPU, or take it out. Called when the CPU changes hands between vCPUs, never on an
  // exit.
  void load();
  void save();
  [[nodiscard]] bool is_loaded() const { return loaded_; }

  // Does its WFI exit (HCR_EL2.TWI)? Out of reset it does.
  void trap_idle(bool on) {
    if (traps_idle_ == on) return;
    traps_idle_ = on;
    if (loaded_) configure_traps();
  }

  // Leave the host for the first time: never returns. `stack_top` is the top of the calling task's stack.
  [[noreturn]] void enter_guest();

  [[nodiscard]] GuestFrame& frame() { return *frame_; }
  [[nodiscard]] const GuestFrame& frame() const { return *frame_; }
  [[nodiscard]] uint64_t reg(unsigned n) const { return frame_->get(n); }
  void set_reg(unsigned n, uint64_t value) { frame_->set(n, value); }
  [[nodiscard]] uint64_t pc() const { return frame_->pc; }
  void skip_instruction() {
    if (regs::spsr::nrw::is_set(frame_->pstate)) return skip_aarch32();
    frame_->skip_instruction();
  }
  // Where the access that made the guest exit went.
  [[nodiscard]] hal::GuestVirt fault_address() const;
  // Stage 1 of the guest as it is now, for a read of the exception level it is at.
  [[nodiscard]] std::optional<hal::GuestPhys> translate(hal::GuestVirt place) const;
  // The load or store at PC, from its instruction; and its end: the base register as it leaves it, PC behind it.
  [[nodiscard]] hal::Result<hal::MemoryAccess, hal::Undecoded> decode_access(hal::GuestReader& memory) const;
  void complete(const hal::MemoryAccess& access);
  // The store at PC with its value gone nowhere: writeback, status register, what an atomic loads from `rom`.
  [[nodiscard]] hal::Result<void, hal::Undecoded> drop_store(hal::GuestReader& memory, hal::GuestReader& rom);
  // Can no IRQ reach the guest now (PSTATE.I)?
  [[nodiscard]] bool interrupts_masked() const { return regs::spsr::i::is_set(frame_->pstate); }
  // Does the guest's data have its bytes the other way round now?
  [[nodiscard]] bool is_big_endian() const {
    using sctlr = regs::sctlr_el1;
    const bool always_little = (read<sctlr>() & (sctlr::ee::mask | sctlr::e0e::mask)) == 0;
    if (always_little && !regs::spsr::nrw::is_set(frame_->pstate)) [[likely]]
      return false;
    return is_big_endian_now();
  }

  // An SError of this guest, by its syndrome: the VM cannot go on.
  void fail(uint64_t syndrome);
  // The guest maintains caches by set and way for the first time since it moved to this CPU: clean its memory by address,
  // and let it go on by itself.
  void maintain_by_set_way();
  // Exceptions that the guest takes at its own vector (D1.3.6). Loaded on this CPU.
  void inject_undefined();
  // The guest uses SVE. False: it has none. Loaded on this CPU.
  [[nodiscard]] bool begin_sve();
  // What it traps itself, though it came here: the syndrome is the same.
  void inject_trap(uint64_t syndrome);
  // The guest's self-hosted debugging (D2): breakpoints and watchpoints, MDSCR_EL1, the OS lock. Loaded on this CPU.
  [[nodiscard]] GuestDebug& debug() { return debug_; }
  [[nodiscard]] static uint64_t debug_control();
  void set_debug_control(uint64_t value);
  [[nodiscard]] bool is_debug_locked() const { return debug_locked_; }
  void lock_debug(bool on);
  // A trapped access to a register of the PMU (D13), by number of the general register. Loaded on this CPU.
  void access_pmu(uint32_t id, unsigned rt, bool read);
  // The CPU's PMU asks for an interrupt. Loaded on this CPU.
  void take_counter_overflow();
  // A counter overflowed on its way out of the CPU: the interrupt comes when the vCPU is loaded again.
  [[nodiscard]] bool owes_interrupt() const { return pmu_.owes_interrupt(); }
  // A synchronous external abort: what a bus answers where nothing is.
  void inject_external_abort(hal::GuestVirt place, hal::AccessKind kind);
  // The guest's registers lie on the stack, where SP_EL2 points in the guest: an exit has no other register to find
  // them by.
  using StackPart = ExitFrame;
  void prepare_exits(StackPart& frame);

  // Exits so far. Any CPU.
  [[nodiscard]] uint64_t exits(hal::ExitClass exit_class) const;
  // From the next exit on: bracket each with upcall::exit_begins() and exit_ends(), or no longer. Its own task.
  void observe_exits(bool on);
  // The data abort that is being handled met no device. Its own task.
  void met_no_device() { no_device_.store(no_device_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed); }

  // For post-mortems, while it is not loaded: registers in words, what the guest makes of its addresses, and ours of
  // those. And a syndrome as upcall::ExitReport has it.
  void report(hal::TextSink& sink, hal::GuestInspector& guest) const;
  static void describe_syndrome(hal::TextSink& sink, uint64_t syndrome);

  // Guest system registers, wherever they are now.
  [[nodiscard]] GuestSystemRegisters system_registers() const;
  // When the guest's virtual timer fires, in hal::Ticks; hal::never if it is off or masked.
  [[nodiscard]] uint64_t timer_deadline() const;
  // Its interrupt is physical first.
  static constexpr bool timer_wakes_cpu = true;
  static void suspend_timer() {}
  static void resume_timer() {}
  [[nodiscard]] const Identity& identity() const { return identity_; }

 private:
  static constexpr uint8_t nowhere = UINT8_MAX;
  static_assert(hal::max_cpus <= nowhere, "a CPU's number has to differ from none");

  void follow_set_way(hal::CpuIndex cpu);
  void configure_traps() const;
  [[nodiscard]] bool save_sve();
  void load_sve();
  void take_exception(uint64_t syndrome, uint64_t fault_address);
  void tell_pmu_interrupt();
  void load_pmu();
  void skip_aarch32();
  // SP of the exception level and SPSel that the guest runs with.
  [[nodiscard]] uint64_t stack_pointer() const;
  void set_stack_pointer(uint64_t value);
  [[nodiscard]] bool is_big_endian_now() const;
  [[nodiscard]] hal::Result<uint32_t, hal::Undecoded> fetch(hal::GuestReader& memory) const;
  void write_back(unsigned base, uint64_t value);

  ExitFrame* frame_ = nullptr;
  std::atomic<const ExitPoint*> points_{nullptr};  // of frame_, for other CPUs
  std::atomic<uint64_t> no_device_{0};
  Identity identity_{};
  const regs::IdRegisters* id_registers_ = nullptr;
  uint64_t counter_offset_ = 0;
  bool loaded_ = false;
  bool traps_set_way_ = false;
  bool traps_idle_ = true;
  bool uses_sve_ = false;  // its Z, P and FFR are in the CPU while it is loaded, otherwise in identity_.sve
  uint8_t last_cpu_ = nowhere;
  uint64_t system_error_ = 0;  // the syndrome of one that it left pending; 0: none
  bool debug_locked_ = true;
  GuestDebug debug_;
  GuestPmu<HostPmu> pmu_;
  GuestSystemRegisters system_{};
  uint64_t sve_control_ = 0;  // ZCR_EL1, while it is not in the CPU
  GuestFloatingPoint floating_point_{};  // V registers: unless it uses SVE
};

}  // namespace arch
