// SPDX-License-Identifier: Apache-2.0
#include "vmm/console/terminal_filter.hpp"

namespace vmm {
namespace {

constexpr uint8_t escape = 0x1b;
constexpr uint8_t del = 0x7f;

// Bytes of the UTF-8 character that begins with this one; 0: none does (RFC 3629, 4). E0, ED, F0 and F4 allow less than
// others in their second byte.
constexpr unsigned utf8_length(uint8_t lead) {
  if (lead >= 0xc2 && lead <= 0xdf) return 2;
  if (lead >= 0xe0 && lead <= 0xef) return 3;
  if (lead >= 0xf0 && lead <= 0xf4) return 4;
  return 0;
}

bool is_text(uint8_t byte) { return (byte >= ' ' && byte < del) || byte == '\n' || byte == '\t'; }

void put_char(hal::TextSink& sink, uint8_t byte) {
  const char c = static_cast<char>(byte);
  sink.put({&c, 1});
}

void show(hal::TextSink& sink, uint8_t byte) {
  if (is_text(byte)) return put_char(sink, byte);
  if (byte <= del)
    return hal::format(sink, "^{}",
                       std::string_view("@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_?").substr(byte == del ? 32 : byte, 1));
  constexpr std::string_view hex = "0123456789abcdef";
  hal::format(sink, "<{}{}>", hex.substr(byte >> 4, 1), hex.substr(byte & 0xf, 1));
}

}  // namespace

void TerminalFilter::put(hal::TextSink& sink, uint8_t byte) {
  if (waiting_ == Waiting::nothing) return begin(sink, byte);
  if (byte == '\n') {
    end_line(sink);
    return show(sink, byte);
  }
  if (!goes_on(byte)) {
    show_waiting(sink);
    return begin(sink, byte);
  }
  const Waiting before = waiting_;
  keep(before == Waiting::escape ? Waiting::control_sequence : before, byte);
  const bool is_whole = (before == Waiting::control_sequence && byte == 'm') ||
                        (before == Waiting::utf8 && count_ == utf8_length(static_cast<uint8_t>(bytes_[0])));
  if (!is_whole) return;
  sink.put(waiting_text());
  coloured_ |= before == Waiting::control_sequence;
  waiting_ = Waiting::nothing;
  count_ = 0;
}

void TerminalFilter::begin(hal::TextSink& sink, uint8_t byte) {
  if (byte == escape) return keep(Waiting::escape, byte);
  if (byte == '\r') return keep(Waiting::carriage_return, byte);
  if (utf8_length(byte) != 0) return keep(Waiting::utf8, byte);
  if (byte == '\n') pause(sink);
  show(sink, byte);
}

void TerminalFilter::keep(Waiting as, uint8_t byte) {
  waiting_ = as;
  bytes_[count_++] = static_cast<char>(byte);
}

bool TerminalFilter::goes_on(uint8_t byte) const {
  if (count_ == bytes_.size()) return false;
  switch (waiting_) {
    case Waiting::nothing: return false;
    case Waiting::escape: return byte == '[';
    case Waiting::control_sequence: return (byte >= '0' && byte <= '9') || byte == ';' || byte == ':' || byte == 'm';
    case Waiting::utf8: return continues_utf8(byte);
    case Waiting::carriage_return: return byte == '\r';
  }
  return false;
}

bool TerminalFilter::continues_utf8(uint8_t byte) const {
  uint8_t least = 0x80, most = 0xbf;
  if (count_ == 1) {
    switch (static_cast<uint8_t>(bytes_[0])) {
      case 0xc2: least = 0xa0; break;  // below are the C1 controls
      case 0xe0: least = 0xa0; break;  // overlong
      case 0xed: most = 0x9f; break;   // surrogates
      case 0xf0: least = 0x90; break;  // overlong
      case 0xf4: most = 0x8f; break;   // beyond U+10FFFF
      default: break;
    }
  }
  return byte >= least && byte <= most;
}

void TerminalFilter::pause(hal::TextSink& sink) {
  if (!coloured_) return;
  coloured_ = false;
  sink.put("\x1b[0m");
}

// Carriage returns before the end of a line say nothing.
void TerminalFilter::end_line(hal::TextSink& sink) {
  if (waiting_ == Waiting::carriage_return) count_ = 0;
  finish(sink);
}

void TerminalFilter::finish(hal::TextSink& sink) {
  show_waiting(sink);
  pause(sink);
}

void TerminalFilter::show_waiting(hal::TextSink& sink) {
  for (const char c : waiting_text()) show(sink, static_cast<uint8_t>(c));
  waiting_ = Waiting::nothing;
  count_ = 0;
}

std::string_view TerminalFilter::waiting_text() const { return {bytes_.data(), count_}; }

}  // namespace vmm
