// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "hal/base/format.hpp"

namespace vmm {

// What a guest printed, as it may be shown on a terminal that belongs to somebody else: text, line ends, tabs, and
// colours (SGR, ECMA-48 8.3.117). All else would act on the terminal (move its cursor, set its title, have it type
// answers), and becomes visible instead: control characters as ^X, bytes that are neither ASCII nor part of a
// well-formed UTF-8 character as <9b>, and C1 controls (U+0080 to U+009F) byte by byte.
//
// Takes the bytes one by one, in any division: what is undecided waits here. Whoever has the lock of what it is for
// calls.
class TerminalFilter {
 public:
  // No byte makes more text than this, also with what waited before it.
  static constexpr size_t most_text = 160;

  void put(hal::TextSink& sink, uint8_t byte);
  // Nothing comes for now: colours end. What is undecided goes on waiting.
  void pause(hal::TextSink& sink);
  // The line ends here, without a "\n" for it.
  void end_line(hal::TextSink& sink);
  // Nothing more comes: what is undecided is shown as it is.
  void finish(hal::TextSink& sink);

 private:
  // An escape sequence, a UTF-8 character or carriage returns that may belong to a line's end.
  enum class Waiting : uint8_t { nothing, escape, control_sequence, utf8, carriage_return };

  void begin(hal::TextSink& sink, uint8_t byte);
  void keep(Waiting as, uint8_t byte);
  [[nodiscard]] bool goes_on(uint8_t byte) const;
  [[nodiscard]] bool continues_utf8(uint8_t byte) const;
  void show_waiting(hal::TextSink& sink);
  [[nodiscard]] std::string_view waiting_text() const;

  Waiting waiting_ = Waiting::nothing;
  bool coloured_ = false;
  uint8_t count_ = 0;
  std::array<char, 32> bytes_{};  // that wait; a sequence that is longer is not one of ours
};

}  // namespace vmm
