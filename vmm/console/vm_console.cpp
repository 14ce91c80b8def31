// SPDX-License-Identifier: Apache-2.0
#include "vmm/console/vm_console.hpp"

#include <algorithm>
#include <utility>

#include "vmm/console/console.hpp"

namespace vmm {

VmConsole::VmConsole(std::string_view name, Console& console) : name_(name), console_(console) { console_.add(*this); }

VmConsole::~VmConsole() {
  console_.remove(*this);
  while (users_.load(std::memory_order_acquire) != 0) hal::cpu_relax();
}

void VmConsole::plug(GuestUart uart) {
  const hal::LockGuard guard(lock_);
  uart_ = uart;
}

// Users copy `uart_` under our lock: those who come later find none, and those who came before are waited for.
void VmConsole::disconnect() {
  plug(GuestUart{});
  while (users_.load(std::memory_order_acquire) != 0) hal::cpu_relax();
}

void VmConsole::discard_input() {
  {
    const hal::LockGuard guard(lock_);
    input_.clear();
    break_waits_ = false;
  }
  console_.guest_took_input();
}

bool VmConsole::can_transmit() {
  {
    const hal::LockGuard guard(lock_);
    if (!is_shown_.load(std::memory_order_relaxed) || !is_full()) return true;
    refused_ = true;
  }
  // From here on whoever makes room says so. Perhaps that is we.
  console_.guest_wrote();
  const hal::LockGuard guard(lock_);
  return !is_shown_.load(std::memory_order_relaxed) || !is_full();
}

void VmConsole::transmit(uint8_t byte) {
  {
    const hal::LockGuard guard(lock_);
    if (is_full()) {
      ++shown_;
      ++lost_;
    }
    output_[head_++ % output_size] = byte;
  }
  if (is_shown_.load(std::memory_order_relaxed)) console_.guest_wrote();
}

void VmConsole::receive_ready() {
  deliver_due_.store(true, std::memory_order_release);
  console_.ring_service();
}

size_t VmConsole::read_kept(uint64_t& position, std::span<uint8_t> bytes) const {
  const hal::LockGuard guard(lock_);
  const uint64_t oldest = head_ - std::min<uint64_t>(head_, output_size);
  position = std::clamp(position, oldest, head_);
  const size_t count = std::min<uint64_t>(bytes.size(), head_ - position);
  for (uint8_t& byte : bytes.first(count)) byte = output_[position++ % output_size];
  return count;
}

void VmConsole::put_kept(hal::TextSink& sink, uint64_t most) const {
  const uint64_t end = sent();
  uint64_t position = end - std::min(end, most);
  std::array<uint8_t, 64> bytes;
  uint8_t last = '\n';
  TerminalFilter filter;
  while (position < end) {
    for (const uint8_t byte : std::span(bytes).first(read_kept(position, bytes))) filter.put(sink, last = byte);
  }
  filter.finish(sink);
  if (last != '\n') sink.put("\n");
}

uint64_t VmConsole::sent() const {
  const hal::LockGuard guard(lock_);
  return head_;
}

void VmConsole::show() {
  const hal::LockGuard guard(lock_);
  is_shown_.store(true, std::memory_order_relaxed);
}

void VmConsole::hide() {
  const hal::LockGuard guard(lock_);
  is_shown_.store(false, std::memory_order_relaxed);
  if (!refused_) return;
  refused_ = false;
  transmit_due_.store(true, std::memory_order_release);
}

size_t VmConsole::unseen() const {
  const hal::LockGuard guard(lock_);
  return static_cast<size_t>(head_ - shown_);
}

size_t VmConsole::take_unseen(std::span<uint8_t> bytes) {
  const hal::LockGuard guard(lock_);
  const size_t count = std::min<uint64_t>(bytes.size(), head_ - shown_);
  for (uint8_t& byte : bytes.first(count)) byte = output_[shown_++ % output_size];
  if (refused_ && count != 0) {
    refused_ = false;
    transmit_due_.store(true, std::memory_order_release);
  }
  return count;
}

size_t VmConsole::unseen_line(size_t limit) const {
  const hal::LockGuard guard(lock_);
  const uint64_t end = std::min<uint64_t>(head_, shown_ + limit);
  for (uint64_t at = shown_; at != end; ++at) {
    if (output_[at % output_size] == '\n') return static_cast<size_t>(at + 1 - shown_);
  }
  return 0;
}

void VmConsole::rewind_unfinished_line() {
  static constexpr uint64_t longest = 256;
  const hal::LockGuard guard(lock_);
  if (shown_ != head_) return;
  const uint64_t stop = head_ - std::min(head_, longest);
  uint64_t start = head_;
  while (start != stop && output_[(start - 1) % output_size] != '\n') --start;
  if (start != stop || stop == 0) shown_ = start;
}

uint64_t VmConsole::take_lost() {
  const hal::LockGuard guard(lock_);
  return std::exchange(lost_, 0);
}

size_t VmConsole::input_room() const {
  const hal::LockGuard guard(lock_);
  return input_.room();
}

void VmConsole::type(uint8_t byte) {
  {
    const hal::LockGuard guard(lock_);
    (void)input_.push(byte);  // the Console looks for room first, unless it has given this guest up
  }
  deliver_due_.store(true, std::memory_order_release);
}

void VmConsole::type_break() {
  {
    const hal::LockGuard guard(lock_);
    if (!break_waits_) before_break_ = input_.size();
    break_waits_ = true;
  }
  deliver_due_.store(true, std::memory_order_release);
}

// One CPU delivers at a time, so that bytes keep their order. Whoever comes meanwhile raises the count, and the one who
// delivers goes round again.
void VmConsole::deliver() {
  if (delivering_.fetch_add(1, std::memory_order_acq_rel) != 0) return;
  uint32_t seen;
  do {
    seen = delivering_.load(std::memory_order_acquire);
    while (deliver_some()) {
    }
  } while (delivering_.fetch_sub(seen, std::memory_order_acq_rel) != seen);
}

bool VmConsole::deliver_some() {
  std::array<uint8_t, 64> chunk;
  std::span<uint8_t> bytes;
  GuestUart uart;
  bool breaks;
  {
    const hal::LockGuard guard(lock_);
    breaks = break_waits_ && before_break_ == 0;
    const auto front = input_.front().first(std::min(input_.front().size(), break_waits_ ? before_break_ : SIZE_MAX));
    bytes = std::span(chunk).first(std::min(chunk.size(), front.size()));
    std::copy_n(front.begin(), bytes.size(), bytes.begin());
    uart = uart_;
  }
  if (uart.object == nullptr) return false;
  if (breaks) return deliver_break(uart);
  if (bytes.empty()) return false;
  const size_t taken = uart.receive(uart.object, bytes);
  {
    const hal::LockGuard guard(lock_);
    input_.drop(std::min(taken, input_.size()));
    before_break_ -= std::min(taken, before_break_);
  }
  if (taken != 0) console_.guest_took_input();
  return taken == bytes.size();
}

bool VmConsole::deliver_break(const GuestUart& uart) {
  if (!uart.receive_break(uart.object)) return false;
  const hal::LockGuard guard(lock_);
  break_waits_ = false;
  return true;
}

bool VmConsole::is_due() const {
  return deliver_due_.load(std::memory_order_relaxed) || transmit_due_.load(std::memory_order_relaxed);
}

void VmConsole::settle() {
  if (transmit_due_.exchange(false, std::memory_order_acq_rel)) {
    GuestUart uart;
    {
      const hal::LockGuard guard(lock_);
      uart = uart_;
    }
    if (uart.object != nullptr) uart.transmit_ready(uart.object);
  }
  if (deliver_due_.exchange(false, std::memory_order_acq_rel)) deliver();
}

}  // namespace vmm
