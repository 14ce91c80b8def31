// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "hal/console.hpp"
#include "vmm/console/console.hpp"

namespace vmm::test {

// The machine's UART: takes `room` bytes, and has `typed` waiting.
class FakeHostUart final : public hal::ConsoleDevice {
 public:
  size_t write(std::span<const uint8_t> bytes) override {
    const size_t count = std::min(bytes.size(), room);
    sent.append(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(count));
    room -= count;
    return count;
  }
  // A BREAK on the line.
  static constexpr int16_t line_break = -1;
  size_t read(std::span<uint8_t> bytes) override {
    size_t count = 0;
    while (count < bytes.size() && !typed.empty()) {
      const int16_t next = typed.front();
      typed.pop_front();
      if (next == line_break) {
        note_break();
        break;
      }
      bytes[count++] = static_cast<uint8_t>(next);
    }
    return count;
  }
  void set_receive_interrupt(bool on) override { receive_on = on; }
  void set_transmit_interrupt(bool on) override { transmit_on = on; }
  [[nodiscard]] bool interrupts() const { return (receive_on && !typed.empty()) || (transmit_on && room != 0); }

  size_t room = SIZE_MAX / 2;
  std::string sent;
  std::deque<int16_t> typed;
  bool receive_on = false;
  bool transmit_on = false;
};

class FakeBell final : public Doorbell {
 public:
  void ring() override { ++rung; }
  bool heard() { return rung.exchange(0) != 0; }
  std::atomic<unsigned> rung{0};
};

// The guest's side of a VmConsole, with the locking of a UART model: port calls under its lock.
class FakeGuest {
 public:
  explicit FakeGuest(VmConsole& port) : port_(port) { port_.connect(*this); }
  ~FakeGuest() { port_.disconnect(); }

  // What the guest does. Returns what was sent.
  size_t print(std::string_view text) {
    const std::lock_guard guard(mutex_);
    size_t sent = 0;
    while (sent < text.size() && port_.can_transmit()) port_.transmit(static_cast<uint8_t>(text[sent++]));
    return sent;
  }
  std::string read_all() {
    const std::lock_guard guard(mutex_);
    std::string text(fifo_.begin(), fifo_.end());
    fifo_.clear();
    if (std::exchange(refused_, false)) port_.receive_ready();
    return text;
  }

  // What its UART does for the console.
  size_t receive(std::span<const uint8_t> bytes) {
    const std::lock_guard guard(mutex_);
    const size_t taken = std::min(bytes.size(), size_t{16} - fifo_.size());
    fifo_.insert(fifo_.end(), bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(taken));
    refused_ = taken < bytes.size();
    return taken;
  }
  // Shown as this among the bytes that it takes.
  static constexpr uint8_t break_mark = '#';
  bool receive_break() {
    const std::lock_guard guard(mutex_);
    refused_ = fifo_.size() == 16;
    if (!refused_) fifo_.push_back(break_mark);
    return !refused_;
  }
  void transmit_ready() {
    const std::lock_guard guard(mutex_);
    ++ready_calls;
  }

  unsigned ready_calls = 0;

 private:
  VmConsole& port_;
  std::mutex mutex_;
  std::deque<uint8_t> fifo_;
  bool refused_ = false;
};

// What a person sees: lines, with carriage return, backspace and overwriting.
class Terminal {
 public:
  void show(std::string_view text) {
    for (const char c : text) {
      if (c == '\n') {
        lines.emplace_back();
        column = 0;
      } else if (c == '\r') {
        column = 0;
      } else if (c == '\b') {
        if (column != 0) --column;
      } else {
        std::string& line = lines.back();
        if (column >= line.size()) line.resize(column + 1, ' ');
        line[column++] = c;
      }
    }
  }
  // Without trailing blanks.
  [[nodiscard]] std::string line(size_t from_end = 0) const {
    std::string text = lines[lines.size() - 1 - from_end];
    while (text.ends_with(' ')) text.pop_back();
    return text;
  }

  std::vector<std::string> lines{1};
  size_t column = 0;
};

}  // namespace vmm::test
