// SPDX-License-Identifier: Apache-2.0
#include "hal/log.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "hal/base/lock.hpp"

namespace hal::log {
namespace {

constexpr size_t ring_size = 8 * kib;
static_assert((ring_size & (ring_size - 1)) == 0, "positions are reduced by a mask");

// Before the text of each line in the ring. Positions only grow; the byte at position p is bytes[p % ring_size].
//
//     tail -> | header | text | header | text | ... | <- head
struct Header {
  Ticks time;
  Level level;
  uint8_t length;
};
static_assert(max_line <= UINT8_MAX);

// Apart from the rest, which does not start as zeros, to stay out of the image file.
constinit std::array<char, ring_size> bytes{};

struct State {
  SpinLock lock{LockRank::none};  // guards `bytes` too
  Cursor tail;
  Cursor head;

  std::atomic<Level> level{Level::info};
  std::atomic<ConsoleDevice*> device{nullptr};
  std::atomic<Listener*> listener{nullptr};
  std::atomic<bool> panicking{false};
  Cursor shown;  // by polling
};
constinit State state;

void copy_in(uint64_t position, const void* from, size_t size) {
  const size_t start = position % ring_size;
  const size_t first = std::min(size, ring_size - start);
  std::memcpy(bytes.data() + start, from, first);
  std::memcpy(bytes.data(), static_cast<const char*>(from) + first, size - first);
}

void copy_out(uint64_t position, void* to, size_t size) {
  const size_t start = position % ring_size;
  const size_t first = std::min(size, ring_size - start);
  std::memcpy(to, bytes.data() + start, first);
  std::memcpy(static_cast<char*>(to) + first, bytes.data(), size - first);
}

Header header_at(uint64_t position) {
  Header header;
  copy_out(position, &header, sizeof header);
  return header;
}

void step(Cursor& cursor) {
  cursor.position += sizeof(Header) + header_at(cursor.position).length;
  ++cursor.number;
}

void append(Level level, std::string_view text) {
  const Header header{Timer::now(), level, static_cast<uint8_t>(text.size())};
  const size_t size = sizeof header + text.size();
  const auto room = static_cast<int64_t>(ring_size - size);
  while (static_cast<int64_t>(state.head.position - state.tail.position) > room) step(state.tail);
  copy_in(state.head.position, &header, sizeof header);
  copy_in(state.head.position + sizeof header, text.data(), text.size());
  state.head.position += size;
  ++state.head.number;
}

bool read(Cursor& cursor, Line& line) {
  line.lost = 0;
  if (cursor.position < state.tail.position) {
    line.lost = state.tail.number - cursor.number;
    cursor = state.tail;
  }
  if (cursor.position >= state.head.position) return false;
  const Header header = header_at(cursor.position);
  line.level = header.level;
  line.time = header.time;
  line.length = std::min<size_t>(header.length, max_line);
  copy_out(cursor.position + sizeof header, line.bytes.data(), line.length);
  step(cursor);
  return true;
}

// The ring's lock, except in a panic: its holder may be the one who panics, or may be stopped for good. What two CPUs
// then do to the ring at once can spoil lines, not memory: every index is reduced and every length bounded.
class RingGuard {
 public:
  RingGuard() PLINTH_NO_THREAD_SAFETY : locked_(!state.panicking.load(std::memory_order_relaxed)) {
    if (locked_) state.lock.lock();
  }
  ~RingGuard() PLINTH_NO_THREAD_SAFETY {
    if (locked_) state.lock.unlock();
  }
  RingGuard(const RingGuard&) = delete;
  RingGuard& operator=(const RingGuard&) = delete;

 private:
  const bool locked_;
};

void put(ConsoleDevice& device, std::string_view text) {
  device.write_polled({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
}

// Called under the ring's lock, so that lines of two CPUs do not mix.
void show_polled(ConsoleDevice& device) {
  Line line;
  while (read(state.shown, line)) {
    if (line.lost != 0) put(device, "[plinth] ...\r\n");
    put(device, prefix(line.level));
    put(device, line.text());
    put(device, "\r\n");
  }
}

void announce() {
  Listener* const listener = state.listener.load(std::memory_order_acquire);
  if (listener != nullptr && !state.panicking.load(std::memory_order_relaxed)) return listener->log_grew();
  if (ConsoleDevice* const device = state.device.load(std::memory_order_acquire)) {
    const RingGuard guard;
    show_polled(*device);
  }
}

constexpr std::string_view ellipsis = "…";

// Puts text into the ring line by line, the end of a line that is too long marked.
class LineSink final : public TextSink {
 public:
  explicit LineSink(Level level) : level_(level) {}
  void put(std::string_view text) override {
    for (const char c : text) put(c);
  }
  // A newline at the very end does not begin another line.
  void finish() {
    if (used_ != 0 || !ended_) end_line();
  }

 private:
  void put(char c) {
    if (c == '\n') return end_line();
    const auto code = static_cast<unsigned char>(c);
    if (code < ' ' || code == 0x7f) c = '?';
    if (used_ == bytes_.size() - ellipsis.size()) {
      cut_ = true;
    } else {
      bytes_[used_++] = c;
    }
  }
  void end_line() {
    if (cut_) {
      // Not in the middle of a UTF-8 sequence.
      while (used_ != 0 && (bytes_[used_ - 1] & 0xc0) == 0x80) --used_;
      if (used_ != 0 && (bytes_[used_ - 1] & 0x80) != 0) --used_;
      std::memcpy(bytes_.data() + used_, ellipsis.data(), ellipsis.size());
      used_ += ellipsis.size();
    }
    {
      const RingGuard guard;
      append(level_, {bytes_.data(), used_});
    }
    used_ = 0;
    cut_ = false;
    ended_ = true;
  }

  const Level level_;
  bool ended_ = false;
  size_t used_ = 0;
  bool cut_ = false;
  std::array<char, max_line> bytes_;
};

}  // namespace

std::string_view name(Level level) {
  switch (level) {
    case Level::error: return "error";
    case Level::warning: return "warning";
    case Level::info: return "info";
    case Level::debug: return "debug";
  }
  return "?";
}

std::string_view prefix(Level level) {
  switch (level) {
    case Level::error: return "[plinth] error: ";
    case Level::warning: return "[plinth] warning: ";
    default: return "[plinth] ";
  }
}

void set_level(Level level) { state.level.store(level, std::memory_order_relaxed); }
Level level() { return state.level.load(std::memory_order_relaxed); }

namespace detail {

bool wanted(Level level) { return level <= state.level.load(std::memory_order_relaxed); }

void submit(Level level, std::string_view pattern, std::span<const FormatArgument> arguments) {
  LineSink line(level);
  hal::detail::format(line, pattern, arguments);
  line.finish();
  announce();
}

}  // namespace detail

bool next(Cursor& cursor, Line& line) {
  const RingGuard guard;
  return read(cursor, line);
}

void attach(ConsoleDevice& device) {
  state.device.store(&device, std::memory_order_release);
  const RingGuard guard;
  show_polled(device);
}

Cursor listen(Listener& listener) {
  state.listener.store(&listener, std::memory_order_release);
  const RingGuard guard;
  return state.shown;
}

bool panic_mode() {
  if (state.panicking.exchange(true)) return false;
  if (Listener* const listener = state.listener.load(std::memory_order_acquire)) {
    state.shown = listener->flush_for_panic();
  }
  if (ConsoleDevice* const device = state.device.load(std::memory_order_acquire)) show_polled(*device);
  return true;
}

}  // namespace hal::log
