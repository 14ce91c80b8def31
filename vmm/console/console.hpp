// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "hal/base/list.hpp"
#include "hal/base/lock.hpp"
#include "hal/console.hpp"
#include "hal/log.hpp"
#include "hal/timer.hpp"
#include "vmm/console/byte_ring.hpp"
#include "vmm/console/vm_console.hpp"

namespace vmm {

// How to wake a task that works for the console.
class Doorbell {
 public:
  // Called with locks of a rank below `wait_queue` held, or none.
  virtual void ring() = 0;

 protected:
  ~Doorbell() = default;
};

// The machine's one UART, shared by the hypervisor's log, the prompt and every VM.
//
//     log ring ------------------------------+
//     shell --write()--> prompt output       +--> pump() --> staged --> UART
//     shell --show_input()--> input line     |
//     VmConsole::output of the shown VMs ----+
//
//     UART --> receive() --+--> VmConsole::input --> guest       the escape character switches between the two
//                          +--> typed --read()--> shell
//
// Sources keep what they have until the UART takes it: `staged` is only a line long. Whoever adds something pumps; when
// the UART is full its transmit interrupt goes on pumping. Nobody waits for the UART, except the shell's task.
//
// A log line stands on a line of its own: it waits for the end of the guest's line if that is on its way, and otherwise
// breaks it. The prompt's input line moves below it.
//
// Locks: `lock_` (rank console) guards all but what VmConsole guards itself; nothing is called with it held but the
// UART driver, VmConsole and the log's reader (both leaf locks). Calls to a guest's UART and doorbells, which may need
// locks of a lower rank, are put off and done by settle() in the interrupt or in the service task.
class Console final : public hal::log::Listener {
 public:
  constexpr Console() = default;

  // Bytes that are on their way to the UART at once.
  static constexpr size_t staged_size = 1024;

  // --- boot ----------------------------------------------------------------------------------------------------------

  // Take the UART over from the log, as hal::log::listen() says. `escape` is the control character that leads to the
  // prompt. Without an interrupt, service() polls. `service` is rung when service() has something to do, `prompt` when
  // read() has bytes, write() has room or is_prompt() changed.
  struct Setup {
    hal::ConsoleDevice& device;
    char escape;
    bool has_interrupt;
    Doorbell& service;
    Doorbell& prompt;
  };
  void start(const Setup& setup);

  // --- interrupt and service task; no lock held
  // ------------------------------------------------------------------------

  // The UART interrupts. Any CPU.
  void interrupt();
  // Work off what was put off. Returns when to call again even if the doorbell is silent; hal::never mostly.
  [[nodiscard]] hal::Ticks service(hal::Ticks now);

  // --- who is shown and who has the keyboard; no lock of rank `device` or above held
  // ----------------------------------

  // The user sees this VM, beginning with what he has not seen yet, and types into it.
  void attach(VmConsole& vm);
  // All VMs' output, line by line, with their names; the keyboard is dead but for the escape character.
  void watch_all();
  // Back to the prompt.
  void detach();
  // This VM's guest has ended: if it is shown, the prompt comes back once its last output is out.
  void ended(VmConsole& vm);
  // The VM that is attached; null otherwise.
  [[nodiscard]] const VmConsole* attached() const;

  // --- the prompt: for the shell's task
  // --------------------------------------------------------------------------------

  // Does the keyboard belong to the prompt?
  [[nodiscard]] bool is_prompt() const;
  // Typed bytes; none: wait for the doorbell.
  [[nodiscard]] size_t read(std::span<uint8_t> bytes);
  [[nodiscard]] bool has_typed() const;
  // Was Ctrl-C typed, behind which everything typed before is forgotten? It is taken; the rest stays for read().
  [[nodiscard]] bool take_interrupt();
  // Append to the prompt's output as far as there is room. "\n" is sent as it is: the shell writes "\r\n".
  [[nodiscard]] size_t write(std::span<const uint8_t> bytes);
  [[nodiscard]] bool has_room() const;
  // The line under edit, as it should look: at most `input_width` printable characters, and the cursor's place in it.
  // It is drawn while the prompt has the keyboard and nothing else is to be written, and moves below the log.
  static constexpr size_t input_width = 79;
  void show_input(std::string_view line, size_t cursor);
  // The line is complete: leave it on the terminal, below it goes what is written next. Until then write() has no room.
  void end_input();
  // There is no line under edit any more; wipe it out.
  void hide_input();

  // How to type the escape character: "Ctrl-^".
  using KeyName = std::array<char, 6>;
  [[nodiscard]] KeyName escape_name() const;

  // --- hal::log::Listener
  // ----------------------------------------------------------------------------------------------
  void log_grew() override;
  hal::log::Cursor flush_for_panic() override;

 private:
  friend class VmConsole;

  enum class View : uint8_t { prompt, vm, all };
  enum class Source : uint8_t { guest, prompt };
  // What stands on the terminal's current line, or should.
  struct InputLine {
    std::array<char, input_width> text{};
    size_t length = 0;
    size_t cursor = 0;
    bool visible = false;
    [[nodiscard]] std::string_view view() const { return {text.data(), length}; }
  };

  // For VmConsole.
  void add(VmConsole& vm);
  void remove(VmConsole& vm);
  void guest_wrote();
  void guest_took_input();
  void ring_service() {
    if (service_bell_ != nullptr) service_bell_->ring();
  }

  // Output (console_output.cpp).
  void pump() PLINTH_REQUIRES(lock_);
  [[nodiscard]] bool refill() PLINTH_REQUIRES(lock_);
  [[nodiscard]] bool stage_log() PLINTH_REQUIRES(lock_);
  [[nodiscard]] bool stage_prompt() PLINTH_REQUIRES(lock_);
  [[nodiscard]] bool stage_end_of_input() PLINTH_REQUIRES(lock_);
  [[nodiscard]] bool stage_announcement() PLINTH_REQUIRES(lock_);
  [[nodiscard]] bool stage_guest() PLINTH_REQUIRES(lock_);
  [[nodiscard]] bool stage_all() PLINTH_REQUIRES(lock_);
  [[nodiscard]] bool stage_input_line() PLINTH_REQUIRES(lock_);
  void erase_input_line() PLINTH_REQUIRES(lock_);
  void draw_input_line(const InputLine& wanted) PLINTH_REQUIRES(lock_);
  void move_cursor(const InputLine& line, size_t from, size_t to) PLINTH_REQUIRES(lock_);
  void begin_line() PLINTH_REQUIRES(lock_);
  void change_source(Source source) PLINTH_REQUIRES(lock_);
  void stage(std::string_view text) PLINTH_REQUIRES(lock_);
  [[nodiscard]] bool can_write() const PLINTH_REQUIRES(lock_);

  // Input and views (console.cpp).
  template <class Change>
  void apply(Change change) PLINTH_EXCLUDES(lock_);
  [[gnu::noinline]] void receive() PLINTH_REQUIRES(lock_);
  void route(uint8_t byte) PLINTH_REQUIRES(lock_);
  [[nodiscard]] bool input_has_room() const PLINTH_REQUIRES(lock_);
  void look_at(View view, VmConsole* vm) PLINTH_REQUIRES(lock_);
  void retype() PLINTH_REQUIRES(lock_);
  [[nodiscard]] bool anything_due() PLINTH_REQUIRES(lock_);
  void arm(bool settles) PLINTH_REQUIRES(lock_);
  [[gnu::noinline]] void settle();
  [[nodiscard]] VmConsole* take_due();

  mutable hal::SpinLock lock_{hal::LockRank::console};
  hal::ConsoleDevice* device_ = nullptr;  // constant after start(), as are the next four; null without a UART
  Doorbell* service_bell_ = nullptr;
  Doorbell* prompt_bell_ = nullptr;
  char escape_ = 0x1e;
  bool polled_ = false;

  hal::List<VmConsole> vms_ PLINTH_GUARDED_BY(lock_);
  View view_ PLINTH_GUARDED_BY(lock_) = View::prompt;
  VmConsole* shown_ PLINTH_GUARDED_BY(lock_) = nullptr;  // View::vm
  VmConsole* left_ PLINTH_GUARDED_BY(lock_) = nullptr;   // by the escape character, with nothing typed since
  bool ending_ PLINTH_GUARDED_BY(lock_) = false;         // shown_ has ended: to the prompt when its output is out
  bool announce_ PLINTH_GUARDED_BY(lock_) = false;       // say whose console this is before anything of it is shown
  bool prompt_due_ PLINTH_GUARDED_BY(lock_) = false;     // the prompt's doorbell is to be rung
  bool service_due_ PLINTH_GUARDED_BY(lock_) = false;    // the service task's, too

  // Output.
  hal::log::Cursor log_ PLINTH_GUARDED_BY(lock_);
  bool log_pending_ PLINTH_GUARDED_BY(lock_) = false;
  bool line_start_ PLINTH_GUARDED_BY(lock_) = true;          // the terminal's cursor stands in an empty line
  Source source_ PLINTH_GUARDED_BY(lock_) = Source::prompt;  // what was staged last, the log apart
  bool end_of_input_ PLINTH_GUARDED_BY(lock_) = false;       // end_input() was called and is not staged yet
  bool prompt_waits_ PLINTH_GUARDED_BY(lock_) = false;       // write() found no room
  InputLine wanted_ PLINTH_GUARDED_BY(lock_);
  InputLine drawn_ PLINTH_GUARDED_BY(lock_);
  ByteRing<staged_size> staged_ PLINTH_GUARDED_BY(lock_);
  ByteRing<1024> prompt_output_ PLINTH_GUARDED_BY(lock_);

  // Input.
  ByteRing<1024> typed_ PLINTH_GUARDED_BY(lock_);
  bool blocked_ PLINTH_GUARDED_BY(lock_) = false;     // bytes wait in the UART for room
  bool discarding_ PLINTH_GUARDED_BY(lock_) = false;  // nobody makes room: only the escape character counts
  hal::Ticks blocked_at_ PLINTH_GUARDED_BY(lock_) = hal::never;
};

// The machine's console. Make it once, at boot.
Console& make_console();
[[nodiscard]] Console& console();

}  // namespace vmm
