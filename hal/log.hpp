// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "hal/base/format.hpp"
#include "hal/console.hpp"
#include "hal/timer.hpp"

// The hypervisor's log. Works from the first instruction of C++ on any CPU, holding any lock: a line is formatted on
// the caller's stack and goes whole into a ring, which needs nobody else. Who shows it follows:
//
//     error() ... debug() --> ring of 8 KiB --+--> nobody              boot, before the UART is known
//                                             +--> UART, polled        after attach()
//                                             +--> Listener            after listen(): the console shares the UART
//                                             +--> UART, no locks      after panic_mode()
//
// Lines stay in the ring until newer ones need the room: `log` in the shell and a panic read them there.
namespace hal::log {

enum class Level : uint8_t { error, warning, info, debug };
[[nodiscard]] std::string_view name(Level level);

// Bytes of one line. What is longer ends in "…".
inline constexpr size_t max_line = 240;

// Lines above this level are dropped where they are made; info unless set.
void set_level(Level level);
[[nodiscard]] Level level();

namespace detail {
[[nodiscard]] bool wanted(Level level);
void submit(Level level, std::string_view pattern, std::span<const FormatArgument> arguments);

template <class... Arguments>
void write(Level level, std::string_view pattern, const Arguments&... arguments) {
  if (!wanted(level)) return;
  const std::array<FormatArgument, sizeof...(Arguments)> erased{FormatArgument(arguments)...};
  submit(level, pattern, erased);
}
}  // namespace detail

// One line, without a newline; a newline inside makes two lines, other control characters become '?'. The pattern is
// format()'s and checked at compile time.
template <class... Arguments>
void error(Pattern<std::type_identity_t<Arguments>...> pattern, const Arguments&... arguments) {
  detail::write(Level::error, pattern.text, arguments...);
}
template <class... Arguments>
void warning(Pattern<std::type_identity_t<Arguments>...> pattern, const Arguments&... arguments) {
  detail::write(Level::warning, pattern.text, arguments...);
}
template <class... Arguments>
void info(Pattern<std::type_identity_t<Arguments>...> pattern, const Arguments&... arguments) {
  detail::write(Level::info, pattern.text, arguments...);
}
template <class... Arguments>
void debug(Pattern<std::type_identity_t<Arguments>...> pattern, const Arguments&... arguments) {
  detail::write(Level::debug, pattern.text, arguments...);
}

// --- reading ---------------------------------------------------------------------------------------------------------

// A reader's place in the sequence of lines. A new one stands at the oldest line that is kept.
struct Cursor {
  uint64_t position = 0;
  uint64_t number = 0;
};

struct Line {
  Level level = Level::info;
  Ticks time = 0;     // when it was logged
  uint64_t lost = 0;  // lines before it that this reader missed because they were overwritten
  size_t length = 0;
  std::array<char, max_line> bytes{};

  [[nodiscard]] std::string_view text() const { return {bytes.data(), length}; }
};

// The next line, and move on; false at the end. Any CPU; one short leaf lock.
[[nodiscard]] bool next(Cursor& cursor, Line& line);

// How a line begins on a terminal: "[plinth] ", and "[plinth] error: " or "[plinth] warning: " where that is due.
[[nodiscard]] std::string_view prefix(Level level);

// --- showing ---------------------------------------------------------------------------------------------------------

// Show what the ring holds, and from now on each line when it is logged, by polling. `device` stays for good. Boot CPU.
void attach(ConsoleDevice& device);

// Whoever shares the UART between the log and others.
class Listener {
 public:
  // There is a line to show. Called on any CPU by whoever logs, with any lock of a rank below `console` held.
  virtual void log_grew() = 0;
  // The machine stops: send what was accepted for the UART and is not out yet, by write_polled() and without locks;
  // then tell how far the log was shown.
  virtual Cursor flush_for_panic() = 0;

 protected:
  ~Listener() = default;
};
// From now on `listener` shows the log, beginning at the returned cursor. Boot CPU, with nobody else logging meanwhile.
Cursor listen(Listener& listener);

// From now on lines go to the UART at once, past all locks. Idempotent; true for the CPU that came first. The machine
// does not come back from this.
bool panic_mode();

}  // namespace hal::log
