// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "hal/base/format.hpp"
#include "hal/base/list.hpp"
#include "hal/base/lock.hpp"
#include "vmm/console/byte_ring.hpp"
#include "vmm/console/terminal_filter.hpp"
#include "vmm/device/console_port.hpp"

namespace vmm {

class Console;

// One VM's end of the machine's console: what its UART is plugged into.
//
//     guest UART --transmit()--> output, 8 KiB --> Console, while this VM is shown
//     guest UART <--receive()--- input, 1 KiB  <-- Console, while this VM has the keyboard
//
// The output ring always keeps the last 8 KiB, whoever saw them, also after the VM stopped. `shown` is how far the user
// has seen them; while the VM is not shown, new output pushes it along, and while it is shown, the guest's UART waits
// instead:
//
//     head - 8 KiB                      shown                head
//         | kept for `vm log`, crashes    | not seen yet       |
//
// Belongs to a VM and lives as long as it; its addresses are constant. Any CPU may call anything.
class VmConsole final : public ConsoleSocket, public hal::ListNode<> {
 public:
  static constexpr size_t output_size = 8 * 1024;
  static constexpr size_t input_size = 1024;

  // `name` is the VM's and lives as long. No lock of rank `console` is held.
  VmConsole(std::string_view name, Console& console);
  // disconnect() comes first.
  ~VmConsole();
  VmConsole(const VmConsole&) = delete;
  VmConsole& operator=(const VmConsole&) = delete;

  void disconnect() override;
  // Forget typed bytes that the guest has not taken: it is reset, and they were meant for what ran before.
  void discard_input();

  // --- ConsoleSocket ---
  bool can_transmit() override;
  void transmit(uint8_t byte) override;
  void receive_ready() override;

  // --- for reports and the shell ---

  [[nodiscard]] std::string_view name() const { return name_; }
  // Copy kept output from `position` on (0: the oldest that is kept) and move it past what was copied.
  [[nodiscard]] size_t read_kept(uint64_t& position, std::span<uint8_t> bytes) const;
  // The last `most` bytes that are kept, as whole lines and as TerminalFilter lets them through.
  void put_kept(hal::TextSink& sink, uint64_t most) const;
  // Bytes that the guest sent since the VM was made.
  [[nodiscard]] uint64_t sent() const;

 private:
  friend class Console;

  void plug(GuestUart uart) override;
  [[nodiscard]] bool deliver_some();
  [[nodiscard]] bool deliver_break(const GuestUart& uart);
  [[nodiscard]] bool is_full() const PLINTH_REQUIRES(lock_) { return head_ - shown_ == output_size; }

  // --- for Console; its lock is held or not, ours is a leaf ---
  void show();  // from now on output waits for the terminal
  void hide();
  [[nodiscard]] size_t unseen() const;
  // The next bytes to show, in one piece, at most `most`.
  size_t take_unseen(std::span<uint8_t> bytes);
  // The length of the first unseen line with its newline; 0 when it does not end within `limit` bytes.
  [[nodiscard]] size_t unseen_line(size_t limit) const;
  // Show the unfinished line once more, unless there is something new anyway.
  void rewind_unfinished_line();
  [[nodiscard]] uint64_t take_lost();

  [[nodiscard]] size_t input_room() const;
  void type(uint8_t byte);
  // Behind what was typed before. One that waits is not doubled.
  void type_break();
  // Hand typed bytes to the UART. No lock of rank `device` or above is held.
  void deliver();
  // What may only happen with no lock held was put off; do it now.
  [[nodiscard]] bool is_due() const;
  void settle();

  const std::string_view name_;
  Console& console_;

  mutable hal::SpinLock lock_{hal::LockRank::none};
  uint64_t head_ PLINTH_GUARDED_BY(lock_) = 0;   // bytes ever sent
  uint64_t shown_ PLINTH_GUARDED_BY(lock_) = 0;  // of these, seen by the user or pushed out
  uint64_t lost_ PLINTH_GUARDED_BY(lock_) = 0;   // pushed out unseen since the user looked last
  bool refused_ PLINTH_GUARDED_BY(lock_) = false;
  TerminalFilter watched_;  // the Console's, for the view of all VMs
  ByteRing<input_size> input_ PLINTH_GUARDED_BY(lock_);
  bool break_waits_ PLINTH_GUARDED_BY(lock_) = false;
  size_t before_break_ PLINTH_GUARDED_BY(lock_) = 0;  // bytes of input_
  GuestUart uart_ PLINTH_GUARDED_BY(lock_);
  std::array<uint8_t, output_size> output_ PLINTH_GUARDED_BY(lock_){};

  std::atomic<bool> is_shown_{false};      // written under the Console's lock
  std::atomic<bool> deliver_due_{false};   // the UART has room for typed bytes
  std::atomic<bool> transmit_due_{false};  // there is room for what the UART holds back
  std::atomic<uint32_t> delivering_{0};    // calls of deliver() that were not worked off
  std::atomic<uint32_t> users_{0};         // CPUs that may call uart_ now; raised under the Console's lock
};

}  // namespace vmm
