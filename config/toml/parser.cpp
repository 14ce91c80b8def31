// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "config/arena.hpp"
#include "config/toml.hpp"
#include "config/toml/key_index.hpp"
#include "config/toml/reader.hpp"
#include "config/toml/scalars.hpp"
#include "config/toml/strings.hpp"

namespace config::toml {

const Node* Node::find(std::string_view key) const {
  return KeyIndex::find(*this, key);
}

// What may be added to an existing member, by its Origin (TOML 1.0.0, "Table", "Keys", "Array of Tables"):
//
//                  on the way of a header   named by [header]    on the way of a dotted key
//   implicit       yes                      becomes `header`     becomes `dotted`
//   header         yes                      defined twice        no
//   dotted         yes                      defined twice        yes
//   header_array   its last element         [[ ]] adds one       no
//   value          no                       no                   no
class Parser {
 public:
  Parser(std::string_view text, std::span<std::byte> memory) : reader_(text), arena_(memory) {}

  Result<Document> run();

 private:
  struct Key {
    std::string_view name;
    size_t offset;
  };

  Result<void> parse_line();
  Result<void> parse_header();
  Result<void> parse_key_value(Node& table);
  Result<Key> parse_key();
  Result<bool> more_of_the_path();
  Result<void> expect_line_end();

  Result<Node*> enter_super_table(Node& table, Key key);
  Result<void> open_table(Node& parent, Key key);
  Result<void> open_table_array(Node& parent, Key key);
  Result<Node*> enter_dotted(Node& table, Key key);

  // Nested values are a stack of open containers, not recursion.
  Result<void> parse_value(Node& node);
  Result<void> begin_value(Node& node);
  Result<void> open_container(Node& node, Kind kind);
  void close_container(Node& node);
  Result<void> continue_array(Node& array);
  Result<void> continue_inline_table(Node& table);

  Result<Node*> append(Node& parent);
  Result<Node*> add_member(Node& table, Key key);
  Result<Node*> add_table(Node& parent, Key key, Origin origin);
  static Node* find(Node& table, std::string_view key) { return KeyIndex::find(table, key); }
  hal::Failure<Error> conflict(ErrorKind kind, Key key, const Node& earlier);

  Reader reader_;
  Arena arena_;
  Node* root_ = nullptr;
  Node* current_ = nullptr;  // the table that the last header opened
  std::array<Node*, max_nesting> open_{};
  size_t depth_ = 0;
};

// ------------------------------------------------------------------------------------------------------- the lines

Result<Document> Parser::run() {
  // A byte-order mark at the start says only what is known already.
  (void)reader_.take("\xef\xbb\xbf");
  if (const size_t invalid = find_invalid_utf8(reader_.rest()); invalid != std::string_view::npos) {
    return reader_.error_at(reader_.offset() + invalid, ErrorKind::invalid_utf8);
  }
  root_ = arena_.make<Node>();
  if (root_ == nullptr) return reader_.error(ErrorKind::out_of_memory);
  root_->origin_ = Origin::header;
  root_->position_ = root_->key_position_ = {1, 1};
  current_ = root_;
  while (!reader_.at_end()) TRY(parse_line());
  return Document{root_, arena_.used()};
}

Result<void> Parser::parse_line() {
  reader_.skip_spaces();
  if (reader_.peek() == '[') {
    TRY(parse_header());
  } else if (!reader_.at_end() && reader_.peek() != '#' && !reader_.at_line_end()) {
    TRY(parse_key_value(*current_));
  }
  return expect_line_end();
}

Result<void> Parser::expect_line_end() {
  reader_.skip_spaces();
  TRY(reader_.skip_comment());
  if (reader_.at_end() || reader_.take_line_end()) return {};
  if (is_forbidden_control(reader_.peek())) return reader_.control_error();
  return reader_.error(ErrorKind::expected_line_end);
}

// ------------------------------------------------------------------------------------------------------------ keys

Result<Parser::Key> Parser::parse_key() {
  reader_.skip_spaces();
  const size_t offset = reader_.offset();
  if (reader_.peek() == '"' || reader_.peek() == '\'') return Key{TRY(read_quoted_key(reader_, arena_)), offset};
  while (is_bare_key(reader_.peek())) reader_.advance(1);
  const std::string_view name = reader_.from(offset);
  if (name.empty()) return reader_.error(ErrorKind::expected_key);
  return Key{name, offset};
}

// After one part of a dotted key: is there another?
Result<bool> Parser::more_of_the_path() {
  reader_.skip_spaces();
  return reader_.take('.');
}

Result<void> Parser::parse_key_value(Node& table) {
  Node* parent = &table;
  Key key = TRY(parse_key());
  while (TRY(more_of_the_path())) {
    parent = TRY(enter_dotted(*parent, key));
    key = TRY(parse_key());
  }
  if (!reader_.take('=')) return reader_.error(ErrorKind::expected_equals, key.name);
  Node& node = *TRY(add_member(*parent, key));
  reader_.skip_spaces();
  // Inside a container the value is completed by the loop of parse_value(), which we are in.
  return depth_ == 0 ? parse_value(node) : begin_value(node);
}

Result<Node*> Parser::enter_dotted(Node& table, Key key) {
  Node* const existing = find(table, key.name);
  if (existing == nullptr) return add_table(table, key, Origin::dotted);
  if (existing->kind_ == Kind::array) return conflict(ErrorKind::array_is_closed, key, *existing);
  if (existing->kind_ != Kind::table) return conflict(ErrorKind::not_a_table, key, *existing);
  switch (existing->origin_) {
    case Origin::implicit: existing->origin_ = Origin::dotted; return existing;
    case Origin::dotted: return existing;
    case Origin::value: return conflict(ErrorKind::inline_table_is_closed, key, *existing);
    default: return conflict(ErrorKind::dotted_into_table, key, *existing);
  }
}

// --------------------------------------------------------------------------------------------------------- headers

Result<void> Parser::parse_header() {
  const bool is_array = reader_.take("[[");
  if (!is_array) reader_.advance(1);
  Node* parent = root_;
  Key key = TRY(parse_key());
  while (TRY(more_of_the_path())) {
    parent = TRY(enter_super_table(*parent, key));
    key = TRY(parse_key());
  }
  if (!reader_.take(is_array ? "]]" : "]")) return reader_.error(ErrorKind::unclosed_header, is_array ? "]]" : "]");
  return is_array ? open_table_array(*parent, key) : open_table(*parent, key);
}

Result<Node*> Parser::enter_super_table(Node& table, Key key) {
  Node* const existing = find(table, key.name);
  if (existing == nullptr) return add_table(table, key, Origin::implicit);
  if (existing->origin_ == Origin::header_array) return existing->last_;
  if (existing->kind_ == Kind::array) return conflict(ErrorKind::array_is_closed, key, *existing);
  if (existing->kind_ != Kind::table) return conflict(ErrorKind::not_a_table, key, *existing);
  if (existing->origin_ == Origin::value) return conflict(ErrorKind::inline_table_is_closed, key, *existing);
  return existing;
}

Result<void> Parser::open_table(Node& parent, Key key) {
  current_ = find(parent, key.name);
  if (current_ == nullptr) {
    current_ = TRY(add_table(parent, key, Origin::header));
    return {};
  }
  if (current_->kind_ != Kind::table) return conflict(ErrorKind::duplicate_key, key, *current_);
  if (current_->origin_ != Origin::implicit) return conflict(ErrorKind::duplicate_table, key, *current_);
  current_->origin_ = Origin::header;
  current_->position_ = current_->key_position_ = reader_.position_of(key.offset);
  return {};
}

Result<void> Parser::open_table_array(Node& parent, Key key) {
  Node* array = find(parent, key.name);
  if (array == nullptr) {
    array = TRY(add_table(parent, key, Origin::header_array));
    array->kind_ = Kind::array;
  } else if (array->kind_ == Kind::array && array->origin_ != Origin::header_array) {
    return conflict(ErrorKind::array_is_closed, key, *array);
  } else if (array->origin_ != Origin::header_array) {
    return conflict(ErrorKind::not_a_table_array, key, *array);
  }
  current_ = TRY(append(*array));
  current_->kind_ = Kind::table;
  current_->origin_ = Origin::header;
  current_->position_ = current_->key_position_ = reader_.position_of(key.offset);
  return {};
}

// ---------------------------------------------------------------------------------------------------------- values

Result<void> Parser::parse_value(Node& node) {
  TRY(begin_value(node));
  while (depth_ > 0) {
    Node& innermost = *open_[depth_ - 1];
    if (innermost.kind_ == Kind::array) {
      TRY(continue_array(innermost));
    } else {
      TRY(continue_inline_table(innermost));
    }
  }
  return {};
}

// A whole scalar, or the opening bracket of a container, which goes onto the stack.
Result<void> Parser::begin_value(Node& node) {
  const size_t begin = reader_.offset();
  node.position_ = reader_.position();
  switch (reader_.peek()) {
    case '[': return open_container(node, Kind::array);
    case '{': return open_container(node, Kind::table);
    case '"':
    case '\'':
      node.kind_ = Kind::string;
      node.text_ = TRY(read_string(reader_, arena_));
      node.source_ = reader_.from(begin);
      return {};
    default: break;
  }
  const Scalar scalar = TRY(read_scalar(reader_));
  node.kind_ = scalar.kind;
  node.integer_ = scalar.integer;
  node.text_ = scalar.text;
  node.source_ = reader_.from(begin);
  return {};
}

Result<void> Parser::open_container(Node& node, Kind kind) {
  if (depth_ == open_.size()) return reader_.error(ErrorKind::too_deep);
  node.kind_ = kind;
  // Grows to the whole value when it closes.
  node.source_ = reader_.rest().substr(0, 1);
  reader_.advance(1);
  open_[depth_++] = &node;
  return {};
}

void Parser::close_container(Node& node) {
  --depth_;
  const char* const begin = node.source_.data();
  node.source_ = {begin, static_cast<size_t>(reader_.rest().data() - begin)};
}

// One step: the closing bracket, or a separator and the start of the next element.
Result<void> Parser::continue_array(Node& array) {
  TRY(reader_.skip_blank());
  if (array.size_ > 0 && reader_.peek() != ']') {
    if (reader_.at_end()) return hal::fail(Error{ErrorKind::unclosed_array, array.position_, {}, {}});
    if (!reader_.take(',')) return reader_.error(ErrorKind::expected_array_separator);
    TRY(reader_.skip_blank());
  }
  if (reader_.take(']')) {
    close_container(array);
    return {};
  }
  if (reader_.at_end()) return hal::fail(Error{ErrorKind::unclosed_array, array.position_, {}, {}});
  return begin_value(*TRY(append(array)));
}

Result<void> Parser::continue_inline_table(Node& table) {
  reader_.skip_spaces();
  if (reader_.take('}')) {
    close_container(table);
    return {};
  }
  const bool first = table.size_ == 0;
  const bool separated = !first && reader_.take(',');
  reader_.skip_spaces();
  if (reader_.at_end()) return hal::fail(Error{ErrorKind::unclosed_inline_table, table.position_, {}, {}});
  if (reader_.at_line_end() || reader_.peek() == '#') return reader_.error(ErrorKind::line_break_in_inline_table);
  if (separated && reader_.peek() == '}') return reader_.error(ErrorKind::trailing_comma_in_inline_table);
  if (!first && !separated) return reader_.error(ErrorKind::expected_inline_separator);
  return parse_key_value(table);
}

// ----------------------------------------------------------------------------------------------------------- nodes

Result<Node*> Parser::append(Node& parent) {
  Node* const node = arena_.make<Node>();
  if (node == nullptr) return reader_.error(ErrorKind::out_of_memory);
  (parent.first_ == nullptr ? parent.first_ : parent.last_->next_) = node;
  parent.last_ = node;
  ++parent.size_;
  return node;
}

Result<Node*> Parser::add_member(Node& table, Key key) {
  if (Node* const existing = find(table, key.name)) return conflict(ErrorKind::duplicate_key, key, *existing);
  Node* const node = TRY(append(table));
  node->key_ = key.name;
  KeyIndex::add(table, *node);
  node->key_position_ = reader_.position_of(key.offset);
  return node;
}

Result<Node*> Parser::add_table(Node& parent, Key key, Origin origin) {
  Node* const table = TRY(append(parent));
  table->key_ = key.name;
  KeyIndex::add(parent, *table);
  table->origin_ = origin;
  table->position_ = table->key_position_ = reader_.position_of(key.offset);
  return table;
}

hal::Failure<Error> Parser::conflict(ErrorKind kind, Key key, const Node& earlier) {
  return hal::fail(Error{kind, reader_.position_of(key.offset), key.name, earlier.key_position_});
}

Result<Document> parse(std::string_view text, std::span<std::byte> arena) { return Parser(text, arena).run(); }

}  // namespace config::toml
