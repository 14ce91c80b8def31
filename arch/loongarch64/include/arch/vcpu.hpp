// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "arch/loongarch64/regs/csr.hpp"
#include "arch/loongarch64/regs/guest_bank.hpp"
#include "arch/loongarch64/regs/guest_timer.hpp"
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

// Where an exit goes, and how often it did. An exit reads and writes the pair, so that counting costs one addition and
// one store. The vCPU's own task writes, anybody may read.
using ExitHandler = void (*)(Vcpu& vcpu, uint64_t estat);
struct ExitPoint {
  std::atomic<ExitHandler> handler;
  std::atomic<uint64_t> count;
};

// The points of a vCPU: the exception codes of ESTAT.Ecode, of which 0 is an interrupt, and what is no exception.
struct exit_point {
  static constexpr size_t attention = regs::exception_codes, count = attention + 1;
};

// What an exit needs, in the vCPU itself: a vCPU lies in the heap and so in the direct-mapped window, which is all that
// may be touched while the TLB is the guest's (5.2 of the LVZ reference). trap/guest_exit.S knows the layout.
struct ExitFrame {
  std::array<uint64_t, 32> r{};  // r[0]: what is put there is not looked at
  uint64_t pc = 0;
  // What the registers hold in the guest, and what they hold in the hypervisor.
  uint64_t guest_root = 0, guest_gstat = 0, guest_gtlbc = 0;
  uint64_t host_root = 0, host_gstat = 0, host_gtlbc = 0;
  uint64_t stack_top = 0;  // handlers run below it
  std::array<ExitPoint, exit_point::count> points{};
};
inline constexpr size_t frame_pc = 256, frame_guest_root = 264, frame_host_root = 288, frame_stack_top = 312,
                        frame_points = 320;
static_assert(offsetof(ExitFrame, pc) == frame_pc && offsetof(ExitFrame, guest_root) == frame_guest_root &&
                  offsetof(ExitFrame, host_root) == frame_host_root &&
                  offsetof(ExitFrame, stack_top) == frame_stack_top && offsetof(ExitFrame, points) == frame_points &&
                  sizeof(ExitPoint) == 16,
              "trap/guest_exit.S has these numbers");

// Floating-point and vector registers: 256 bits each, of which LSX has the lower half and FP the lowest quarter.
struct alignas(32) GuestVectors {
  std::array<std::array<uint64_t, 4>, 32> x{};
  uint64_t conditions = 0;  // FCC0 to FCC7, a byte each
  uint64_t control = 0;     // FCSR0
};

// What the assembler knows of a vCPU.
struct ExitState {
  // Nonzero: upcall::guest_attention() is due before this vCPU enters the guest again. Any CPU may set bits.
  std::atomic<uint32_t> attention{0};
  alignas(64) ExitFrame frame{};
};
static_assert(offsetof(ExitState, attention) == 0 && offsetof(ExitState, frame) == 64,
              "trap/guest_exit.S has these numbers");

// The hardware half of a vCPU: vmm::Vcpu derives from it. Owned by the vCPU's task; only the CPU that runs the task
// touches it, except `attention`.
class Vcpu : public ExitState {
 public:
  // Identity and translation of the VM; set before the first reset and constant after.
  struct Identity {
    uint64_t core = 0;                   // CPUID, and what RDTIME says of its counter
    Mmu::GuestRegime* regime = nullptr;  // stage 2
  };
  void identify(const Identity& identity) { identity_ = identity; }
  [[nodiscard]] const Identity& identity() const { return identity_; }

  struct StackPart {};
  void prepare_exits(StackPart& part);
  // Architectural reset as far as a guest can see, to start with a0 to a2.
  void reset(const hal::StartState& start);

  // What the guest's counter lags behind ours: GCNTC is added to it. Its timer counts the same time. While it is not
  // loaded.
  void set_counter_offset(uint64_t ticks) {
    timer_.move(ticks - counter_offset_);
    counter_offset_ = ticks;
  }
  [[nodiscard]] uint64_t counter_offset() const { return counter_offset_; }

  // Put this vCPU's state into the CPU, or take it out. Called when the CPU changes hands between vCPUs, never on an
  // exit. If nobody else used the registers in between, they are still there.
  void load();
  void save();
  [[nodiscard]] bool is_loaded() const { return loaded_; }

  // Leave the host for the first time: never returns.
  [[noreturn]] void enter_guest();

  // r0 is the zero register.
  [[nodiscard]] uint64_t reg(unsigned n) const { return n == 0 ? 0 : frame.r[n]; }
  void set_reg(unsigned n, uint64_t value) { frame.r[n] = value; }
  [[nodiscard]] uint64_t pc() const { return frame.pc; }
  void skip_instruction() { frame.pc += 4; }
  // The number in the HVCL that exited.
  [[nodiscard]] uint64_t call_code() const { return instruction() & 0x7fff; }

  // Can no interrupt reach the guest now (CRMD.IE)?
  [[nodiscard]] bool interrupts_masked() const { return !regs::crmd::ie::is_set(bank<regs::crmd>()); }
  [[nodiscard]] static constexpr bool is_big_endian() { return false; }
  // The guest's timer raises a line of the guest's own, which does not end a CPU's sleep.
  static constexpr bool timer_wakes_cpu = false;
  [[nodiscard]] uint64_t timer_deadline() const;
  static constexpr bool owes_interrupt() { return false; }
  void suspend_timer();
  void resume_timer();

  // --- interrupts of the guest; loaded on this CPU ---

  // Everything that is raised from outside at once: HWI0 to HWI7 and IPI as bits of ESTAT.IS, the rest is not looked
  // at.
  void set_lines(uint64_t is);
  // Software interrupts stay until the guest clears them.
  void raise_software(unsigned n) { exchange_guest<regs::estat>(hal::bit(n), hal::bit(n)); }
  // Is a line up that the guest lets through? Whether it takes interrupts now does not matter to IDLE.
  [[nodiscard]] bool has_pending() const;

  // --- accesses ---

  // Where the access that made the guest exit went: LoongArch reports the guest physical address alone.
  [[nodiscard]] hal::GuestVirt fault_address() const { return hal::GuestVirt(read<regs::badv>()); }
  [[nodiscard]] hal::Result<hal::MemoryAccess, hal::Undecoded> decode_access(hal::GuestReader& memory) const;
  void complete(const hal::MemoryAccess&) { skip_instruction(); }
  [[nodiscard]] hal::Result<void, hal::Undecoded> drop_store(hal::GuestReader& memory, hal::GuestReader& rom);

  // Exceptions that the guest takes at its own vector (volume 1, 6.3). Loaded on this CPU.
  void inject_undefined();
  void inject_privileged();
  void inject_external_abort(hal::GuestVirt place, hal::AccessKind kind);

  // Exits so far. Any CPU.
  [[nodiscard]] uint64_t exits(hal::ExitClass exit_class) const;
  // From the next exit on: bracket each with upcall::exit_begins() and exit_ends(), or no longer. Its own task.
  void observe_exits(bool on);
  // IDLE always exits, as a sensitive instruction.
  static void trap_idle(bool) {}
  // The access that is being handled met no device. Its own task.
  void met_no_device() { no_device_.store(no_device_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed); }

  // The sensitive instruction that is being handled is an IDLE. Its own task.
  void met_idle() { idle_exits_.store(idle_exits_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed); }

  // For post-mortems, while it is not loaded.
  void report(hal::TextSink& sink, hal::GuestInspector& guest) const;
  static void describe_syndrome(hal::TextSink& sink, uint64_t syndrome);

  // --- for the rest of arch/ ---

  // The instruction that exited, where the hardware recorded it: data accesses, sensitive instructions, calls.
  [[nodiscard]] static uint32_t instruction() { return static_cast<uint32_t>(read<regs::badi>()); }
  // The identifier under which the TLB holds this guest's translations.
  [[nodiscard]] uint64_t tag() const { return regs::gstat::gid::get(frame.guest_gstat); }
  void set_tag(uint64_t tag);
  // A register of the guest's bank, wherever it is now.
  template <class Register>
  [[nodiscard]] uint64_t bank() const {
    return loaded_ ? read_guest<Register>() : bank_.at<Register>();
  }

 private:
  void take_exception(regs::Ecode code, uint64_t subcode);

  Identity identity_{};
  uint64_t counter_offset_ = 0;
  std::atomic<uint64_t> no_device_{0}, idle_exits_{0};
  bool loaded_ = false;
  std::atomic<bool> started_{false};  // the frame's points count
  bool timer_suspended_ = false;
  static constexpr unsigned no_cpu = ~0U;
  unsigned bank_cpu_ = no_cpu;  // the CPU where the bank was last, whose registers may still hold it
  uint64_t virtual_lines_ = 0;  // GINTC.VIP
  uint64_t estat_ = 0;          // what of ESTAT is neither GINTC's nor the timer's
  Mmu::GuestTag tag_{};
  regs::GuestTimer timer_{};
  regs::GuestBankImage bank_{};
  GuestVectors vectors_{};
};

}  // namespace arch
