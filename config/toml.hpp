// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <string_view>

#include "config/diagnostics.hpp"
#include "hal/base/format.hpp"
#include "hal/base/result.hpp"

// TOML 1.0.0 (https://toml.io/en/v1.0.0), complete, without allocation: nodes and unescaped strings live in the
// caller's arena, all other text is viewed where it stands in the document. Nothing recurses, so the stack needed does
// not depend on the document.
namespace config::toml {

enum class Kind : uint8_t {
  string,
  integer,
  floating,
  boolean,
  offset_date_time,
  local_date_time,
  local_date,
  local_time,
  array,
  table,
};
// "a string", "an integer" ...: as a message says it.
[[nodiscard]] std::string_view name(Kind kind);

// How a table or array came to be; decides what may still be added to it.
enum class Origin : uint8_t {
  value,         // an inline table or array: complete when it closes
  implicit,      // named on the way by a header below it; a header of its own may follow
  header,        // [a.b]
  dotted,        // a.b = ...
  header_array,  // [[a.b]]
};

// A value, and its key where it has one.
class Node {
 public:
  class Iterator {
   public:
    using value_type = Node;
    using difference_type = ptrdiff_t;
    Iterator() = default;
    explicit Iterator(const Node* node) : node_(node) {}
    const Node& operator*() const { return *node_; }
    const Node* operator->() const { return node_; }
    Iterator& operator++() { return node_ = node_->next_, *this; }
    Iterator operator++(int) {
      Iterator old = *this;
      return ++*this, old;
    }
    friend bool operator==(Iterator, Iterator) = default;

   private:
    const Node* node_ = nullptr;
  };

  [[nodiscard]] Kind kind() const { return kind_; }
  [[nodiscard]] bool is(Kind kind) const { return kind_ == kind; }
  // Where the value stands, and its key; a table's value stands where its header or first dotted key does.
  [[nodiscard]] Position position() const { return position_; }
  [[nodiscard]] Position key_position() const { return key_position_; }
  [[nodiscard]] std::string_view key() const { return key_; }

  // A string's content, UTF-8. For floats and dates their source text, checked: the kernel has no floating point.
  [[nodiscard]] std::string_view text() const { return text_; }
  [[nodiscard]] int64_t integer() const { return integer_; }
  [[nodiscard]] bool boolean() const { return integer_ != 0; }
  // The value as the document spells it; empty for tables and arrays that come from headers or dotted keys.
  [[nodiscard]] std::string_view source() const { return source_; }
  [[nodiscard]] Origin origin() const { return origin_; }

  // Elements of an array, members of a table, in the document's order.
  [[nodiscard]] Iterator begin() const { return Iterator(first_); }
  [[nodiscard]] Iterator end() const { return {}; }
  [[nodiscard]] size_t size() const { return size_; }
  // A table's member, or null. Takes time in proportion to the key's length, however many members there are.
  [[nodiscard]] const Node* find(std::string_view key) const;

 private:
  friend class Parser;
  friend class KeyIndex;
  // A table's members by their keys: see key_index.hpp.
  struct Branch {
    Node* node = nullptr;
    bool splits = false;  // `node` is met for its split_, not yet for itself
  };
  struct Split {
    uint64_t bit = 0;
    Branch side[2];
  };
  std::string_view key_;
  std::string_view text_;
  std::string_view source_;
  int64_t integer_ = 0;
  Node* first_ = nullptr;
  Node* last_ = nullptr;
  Node* next_ = nullptr;
  Branch index_;
  Split split_;
  Position position_;
  Position key_position_;
  uint32_t size_ = 0;
  Kind kind_ = Kind::table;
  Origin origin_ = Origin::value;
};

enum class ErrorKind : uint8_t {
  invalid_utf8,
  control_character,
  bare_carriage_return,
  expected_key,
  expected_equals,
  expected_value,
  expected_line_end,
  unquoted_text,
  unclosed_string,
  line_break_in_string,
  multiline_key,
  bad_escape,
  bad_code_point,
  unclosed_array,
  expected_array_separator,
  unclosed_inline_table,
  expected_inline_separator,
  line_break_in_inline_table,
  trailing_comma_in_inline_table,
  unclosed_header,
  bad_number,
  leading_zero,
  misplaced_underscore,
  signed_prefix,
  integer_out_of_range,
  bad_date,
  bad_time,
  bad_offset,
  duplicate_key,
  duplicate_table,
  not_a_table,
  not_a_table_array,
  inline_table_is_closed,
  array_is_closed,
  dotted_into_table,
  too_deep,
  out_of_memory,
};

struct Error {
  ErrorKind kind{};
  Position position;
  std::string_view subject;  // the text or key in question, or empty
  Position earlier;          // of the first definition, when something is defined twice
};
// One sentence without a full stop: what is wrong and what was meant.
void describe(hal::TextSink& sink, const Error& error);

// Arrays and inline tables inside each other.
inline constexpr size_t max_nesting = 128;

struct Document {
  const Node* root;   // a table, never null
  size_t arena_used;  // bytes
};

// The document must outlive the text and the arena no less than they it: all three belong together. Stops at the first
// error; too small an arena is one.
[[nodiscard]] hal::Result<Document, Error> parse(std::string_view text, std::span<std::byte> arena);

}  // namespace config::toml
