// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>
#include <string_view>

#include "hal/base/format.hpp"

namespace vmm::shell {

// Writes JSON (RFC 8259) in one line. Nesting is the caller's: every begin has its end, and members of an object have
// keys.
class JsonWriter {
 public:
  explicit JsonWriter(hal::TextSink& sink) : sink_(sink) {}

  void begin_object() { open("{"); }
  void end_object() { close("}"); }
  void begin_array() { open("["); }
  void end_array() { close("]"); }
  void key(std::string_view name) {
    separate();
    quote(name);
    sink_.put(":");
    first_ = true;
  }

  void value(std::string_view text) {
    separate();
    quote(text);
  }
  void value(bool truth) {
    separate();
    sink_.put(truth ? "true" : "false");
  }
  void value(std::unsigned_integral auto number) {
    separate();
    hal::format(sink_, "{}", static_cast<uint64_t>(number));
  }
  template <class Value>
  void member(std::string_view name, const Value& content) {
    key(name);
    value(content);
  }

 private:
  void open(std::string_view bracket) {
    separate();
    sink_.put(bracket);
    first_ = true;
  }
  void close(std::string_view bracket) {
    sink_.put(bracket);
    first_ = false;
  }
  // A comma, except in front of the first element and behind a key.
  void separate() {
    if (!first_) sink_.put(",");
    first_ = false;
  }
  void quote(std::string_view text);

  hal::TextSink& sink_;
  bool first_ = true;
};

}  // namespace vmm::shell
