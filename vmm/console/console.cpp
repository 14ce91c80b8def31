// SPDX-License-Identifier: Apache-2.0
#include "vmm/console/console.hpp"

#include <algorithm>
#include <utility>

#include "hal/base/made_at_boot.hpp"

namespace vmm {
namespace {

// A guest that reads nothing for this long while its input ring is full gets no more; else the escape character, which
// waits in the UART behind the rest, would never be seen.
constexpr uint64_t patience_us = 500'000;
constexpr uint64_t poll_interval_us = 10'000;

constexpr uint8_t ctrl_c = 0x03;
constexpr uint8_t break_key = 0x02;  // Ctrl-B

constinit hal::MadeAtBoot<Console> the_console;

}  // namespace

Console& make_console() { return the_console.make(); }
Console& console() { return the_console.get(); }

template <class Change>
void Console::apply(Change change) {
  {
    const hal::LockGuard guard(lock_);
    change();
    pump();
    arm(true);
  }
  settle();
}

void Console::start(const Setup& setup) {
  service_bell_ = &setup.service;
  prompt_bell_ = &setup.prompt;
  escape_ = setup.escape;
  polled_ = !setup.has_interrupt;
  const hal::LockGuard guard(lock_);
  device_ = &setup.device;
  log_ = hal::log::listen(*this);
  log_pending_ = true;
  pump();
  arm(true);
  receive();
}

Console::KeyName Console::escape_name() const {
  return {'C', 't', 'r', 'l', '-', static_cast<char>((escape_ & 0x1f) | 0x40)};
}

// --- interrupt and service -------------------------------------------------------------------------------------------

void Console::interrupt() {
  apply([&]() PLINTH_REQUIRES(lock_) { receive(); });
}

hal::Ticks Console::service(hal::Ticks now) {
  apply([&]() PLINTH_REQUIRES(lock_) {
    receive();
    if (!blocked_) return;
    if (blocked_at_ == hal::never) blocked_at_ = now;
    discarding_ = now - blocked_at_ >= hal::ticks_from_microseconds(patience_us);
    if (discarding_) receive();
  });
  const hal::LockGuard guard(lock_);
  hal::Ticks next = hal::never;
  if (polled_) next = now + hal::ticks_from_microseconds(poll_interval_us);
  if (blocked_ && blocked_at_ != hal::never) {
    next = std::min(next, blocked_at_ + hal::ticks_from_microseconds(patience_us));
  }
  return next;
}

// The transmit interrupt is wanted while the UART is full, and where the caller holds locks that forbid to settle what
// is due: then it only brings us to interrupt().
void Console::arm(bool settles) {
  if (device_ == nullptr || polled_) return;
  device_->set_transmit_interrupt(!staged_.empty() || (!settles && anything_due()));
}

bool Console::anything_due() {
  if (prompt_due_ || service_due_) return true;
  if (view_ == View::all) return std::ranges::any_of(vms_, [](VmConsole& vm) { return vm.is_due(); });
  return shown_ != nullptr && shown_->is_due();
}

// Any VM may have a call to its UART put off, also one that is not shown any more. Several CPUs may do this at once.
void Console::settle() {
  // A guest that makes more work than one round can do gets the next in the service task, like everybody else.
  static constexpr unsigned most = 64;
  unsigned count = 0;
  while (VmConsole* const vm = count < most ? take_due() : nullptr) {
    vm->settle();
    vm->users_.fetch_sub(1, std::memory_order_release);
    ++count;
  }
  bool prompt, service;
  {
    const hal::LockGuard guard(lock_);
    prompt = std::exchange(prompt_due_, false);
    service = std::exchange(service_due_, false);
  }
  if (prompt && prompt_bell_ != nullptr) prompt_bell_->ring();
  if (service || count == most) ring_service();
}

VmConsole* Console::take_due() {
  const hal::LockGuard guard(lock_);
  for (VmConsole& vm : vms_) {
    if (!vm.is_due()) continue;
    vm.users_.fetch_add(1, std::memory_order_relaxed);
    // To the end: next time it is the others' turn first.
    hal::List<VmConsole>::remove(vm);
    vms_.push_back(vm);
    return &vm;
  }
  return nullptr;
}

// --- input -----------------------------------------------------------------------------------------------------------

// As long as there is room for it: the rest waits in the UART, whose sender then waits too where there is flow control.
void Console::receive() {
  if (device_ == nullptr) return;
  bool progress = false;
  if (input_has_room()) discarding_ = false;
  while (discarding_ || input_has_room()) {
    uint8_t byte;
    if (device_->read({&byte, 1}) == 0) {
      if (device_->take_break()) {
        if (view_ == View::vm) shown_->type_break();
        continue;
      }
      blocked_ = false;
      blocked_at_ = hal::never;
      if (!polled_) device_->set_receive_interrupt(true);
      return;
    }
    route(byte);
    progress = true;
  }
  if (!blocked_ || progress) {
    blocked_at_ = hal::never;
    service_due_ = true;
  }
  blocked_ = true;
  if (!polled_) device_->set_receive_interrupt(false);
}

bool Console::input_has_room() const {
  switch (view_) {
    case View::prompt: return !typed_.full();
    case View::vm: return shown_->input_room() != 0;
    case View::all: return true;
  }
  return true;
}

// Typed twice, the escape character comes back to the guest it left and is typed into it; before the break key it makes
// that one a BREAK.
void Console::route(uint8_t byte) {
  const bool escape = byte == static_cast<uint8_t>(escape_);
  switch (view_) {
    case View::vm:
      if (escape) {
        VmConsole* const vm = shown_;
        look_at(View::prompt, nullptr);
        left_ = vm;
      } else {
        shown_->type(byte);
      }
      return;
    case View::all:
      if (escape) look_at(View::prompt, nullptr);
      return;
    case View::prompt:
      if (byte == break_key && left_ != nullptr) {
        look_at(View::vm, left_);
        shown_->type_break();
      } else if (!escape) {
        left_ = nullptr;
        // Whatever waits before it was not wanted either.
        if (byte == ctrl_c) typed_.clear();
        prompt_due_ |= typed_.push(byte);
      } else if (left_ != nullptr) {
        look_at(View::vm, left_);
        shown_->type(byte);
      } else {
        // Who presses it wants to see the prompt, which may be far up by now: draw it once more.
        source_ = Source::guest;
        drawn_.visible = false;
      }
      return;
  }
}

// What was typed behind `console NAME` was meant for that VM.
void Console::retype() {
  for (size_t left = typed_.size(); left != 0; --left) {
    const uint8_t byte = typed_.front()[0];
    typed_.drop(1);
    route(byte);
  }
}

void Console::guest_took_input() {
  const hal::LockGuard guard(lock_);
  if (!blocked_) return;
  receive();
  pump();
  arm(false);
}

// --- views -----------------------------------------------------------------------------------------------------------

void Console::look_at(View view, VmConsole* vm) {
  if (view_ == View::vm) shown_->hide();
  if (view_ == View::all) {
    for (VmConsole& other : vms_) other.hide();
  }
  view_ = view;
  shown_ = vm;
  left_ = nullptr;
  ending_ = false;
  announce_ = view != View::prompt;
  prompt_due_ = true;
  if (view == View::vm) {
    vm->rewind_unfinished_line();
    vm->show();
  }
  if (view == View::all) {
    for (VmConsole& other : vms_) other.show();
  }
}

void Console::attach(VmConsole& vm) {
  apply([&]() PLINTH_REQUIRES(lock_) {
    if (shown_ != &vm) look_at(View::vm, &vm);
    ending_ = false;
    retype();
    receive();
  });
}

void Console::watch_all() {
  apply([&]() PLINTH_REQUIRES(lock_) {
    if (view_ != View::all) look_at(View::all, nullptr);
    receive();
  });
}

void Console::detach() {
  apply([&]() PLINTH_REQUIRES(lock_) {
    if (view_ != View::prompt) look_at(View::prompt, nullptr);
    receive();
  });
}

void Console::ended(VmConsole& vm) {
  apply([&]() PLINTH_REQUIRES(lock_) {
    if (left_ == &vm) left_ = nullptr;
    ending_ |= shown_ == &vm;
  });
}

const VmConsole* Console::attached() const {
  const hal::LockGuard guard(lock_);
  return shown_;
}

void Console::add(VmConsole& vm) {
  const hal::LockGuard guard(lock_);
  vms_.push_back(vm);
  if (view_ == View::all) vm.show();
}

void Console::remove(VmConsole& vm) {
  apply([&]() PLINTH_REQUIRES(lock_) {
    if (shown_ == &vm) look_at(View::prompt, nullptr);
    if (left_ == &vm) left_ = nullptr;
    hal::List<VmConsole>::remove(vm);
  });
}

void Console::guest_wrote() {
  const hal::LockGuard guard(lock_);
  pump();
  arm(false);
}

// --- the prompt ------------------------------------------------------------------------------------------------------

bool Console::is_prompt() const {
  const hal::LockGuard guard(lock_);
  return view_ == View::prompt;
}

// No further than the end of a line: what follows may be for somebody else.
size_t Console::read(std::span<uint8_t> bytes) {
  size_t count = 0;
  apply([&]() PLINTH_REQUIRES(lock_) {
    while (count < bytes.size() && !typed_.empty()) {
      const uint8_t byte = typed_.front()[0];
      typed_.drop(1);
      bytes[count++] = byte;
      if (byte == '\r' || byte == '\n') break;
    }
    if (blocked_) receive();
  });
  return count;
}

bool Console::has_typed() const {
  const hal::LockGuard guard(lock_);
  return !typed_.empty();
}

bool Console::take_interrupt() {
  bool typed = false;
  apply([&]() PLINTH_REQUIRES(lock_) {
    typed = !typed_.empty() && typed_.front()[0] == ctrl_c;
    if (typed) typed_.drop(1);
  });
  return typed;
}

size_t Console::write(std::span<const uint8_t> bytes) {
  size_t count = 0;
  apply([&]() PLINTH_REQUIRES(lock_) {
    while (can_write() && count < bytes.size()) {
      count += prompt_output_.push(bytes.subspan(count));
      pump();
    }
    prompt_waits_ = count < bytes.size();
  });
  return count;
}

bool Console::has_room() const {
  const hal::LockGuard guard(lock_);
  return can_write();
}

void Console::show_input(std::string_view line, size_t cursor) {
  apply([&]() PLINTH_REQUIRES(lock_) {
    wanted_.length = std::min(line.size(), wanted_.text.size());
    std::copy_n(line.begin(), wanted_.length, wanted_.text.begin());
    wanted_.cursor = std::min(cursor, wanted_.length);
    wanted_.visible = true;
  });
}

void Console::end_input() {
  apply([&]() PLINTH_REQUIRES(lock_) { end_of_input_ = true; });
}

void Console::hide_input() {
  apply([&]() PLINTH_REQUIRES(lock_) { wanted_.visible = false; });
}

// --- the log ---------------------------------------------------------------------------------------------------------

void Console::log_grew() {
  const hal::LockGuard guard(lock_);
  log_pending_ = true;
  pump();
  arm(false);
}

// Whoever holds the lock may never run again. What he is in the middle of may come out spoilt, and that is all.
hal::log::Cursor Console::flush_for_panic() PLINTH_NO_THREAD_SAFETY {
  for (int piece = 0; piece < 2; ++piece) {
    const auto bytes = staged_.front();
    device_->write_polled(bytes);
    staged_.drop(bytes.size());
  }
  static constexpr std::array<uint8_t, 2> new_line{'\r', '\n'};
  if (!line_start_) device_->write_polled(new_line);
  return log_;
}

}  // namespace vmm
