// SPDX-License-Identifier: Apache-2.0
#include "config/schema.hpp"

#include <algorithm>
#include <array>

namespace config {

using toml::Kind;
using toml::Node;

// ------------------------------------------------------------------------------------------------ words and guesses

namespace {

constexpr size_t longest_word = 32;

// Damerau-Levenshtein distance (optimal string alignment): a swap of neighbours counts once, as typing errors do.
size_t distance(std::string_view a, std::string_view b) {
  std::array<std::array<size_t, longest_word + 1>, 3> rows{};
  for (size_t j = 0; j <= b.size(); ++j) rows[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    auto& row = rows[i % 3];
    const auto& above = rows[(i - 1) % 3];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substitution = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, substitution});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], rows[(i - 2) % 3][j - 2] + 1);
      }
    }
  }
  return rows[a.size() % 3][b.size()];
}

// "`a`, `b` or `c`"
void write_alternatives(hal::TextSink& sink, std::span<const std::string_view> words) {
  for (size_t i = 0; i < words.size(); ++i) {
    if (i > 0) sink.put(i + 1 == words.size() ? " or " : ", ");
    hal::format(sink, "`{}`", words[i]);
  }
}

// What belongs on the error line after "did you mean": room for the names of a table's every key.
using Hint = std::array<char, 480>;

std::string_view hint(Hint& buffer, std::string_view word, std::span<const std::string_view> known,
                      std::string_view otherwise) {
  hal::BufferSink sink(buffer);
  if (const auto meant = closest_word(word, known)) {
    hal::format(sink, "did you mean `{}`?", *meant);
  } else {
    sink.put(otherwise);
    write_alternatives(sink, known);
  }
  return sink.text();
}

}  // namespace

std::optional<std::string_view> closest_word(std::string_view word, std::span<const std::string_view> known) {
  if (word.size() > longest_word) return {};
  std::optional<std::string_view> best;
  // A third of a word may be wrong before it is another word.
  size_t best_distance = std::max<size_t>(1, word.size() / 3) + 1;
  for (const std::string_view candidate : known) {
    if (candidate.size() > longest_word) continue;
    const size_t d = distance(word, candidate);
    if (d >= best_distance) continue;
    best_distance = d;
    best = candidate;
  }
  return best;
}

// ---------------------------------------------------------------------------------------------------------- tables

Loader::Path Loader::enter(std::string_view key) {
  std::array<char, Path::capacity> buffer{};
  hal::BufferSink sink(buffer);
  if (!path_.empty()) hal::format(sink, "{}.", path_.view());
  sink.put(key);
  return sink.text();
}

void Loader::read_rows(const Node& node, const Rows& rows) {
  if (!expect(node, Kind::table, "a table")) return;
  const Path outer = path_;
  for (const Node& member : node) {
    path_ = outer;
    size_t row = 0;
    while (row < rows.count() && rows.info(row).name != member.key()) ++row;
    if (row == rows.count()) {
      unknown_key(member, rows);
      continue;
    }
    path_ = enter(member.key());
    rows.read(row, *this, member);
  }
  path_ = outer;
  for (size_t row = 0; row < rows.count(); ++row) {
    const KeyInfo& info = rows.info(row);
    if (info.is_required() && node.find(info.name) == nullptr) missing_key(node, info);
  }
}

namespace {

// The tables in which a key of this name is known, as they are written: "[kernel] or [[memory.region]]".
class TablesOfKey final : public KeyVisitor {
 public:
  explicit TablesOfKey(std::string_view key) : key_(key) {}
  void visit(std::string_view table, const KeyInfo& info) override {
    if (info.name != key_) return;
    at_top_ = at_top_ || table.empty();
    if (table.empty()) return;
    if (!text_.text().empty()) text_.put(" or ");
    text_.put(table);
  }
  // Above all tables, whether or not in one as well.
  [[nodiscard]] bool at_top() const { return at_top_; }
  [[nodiscard]] std::string_view text() const { return text_.text(); }

 private:
  std::string_view key_;
  bool at_top_ = false;
  std::array<char, 96> buffer_{};
  hal::BufferSink text_{buffer_};
};

}  // namespace

void Loader::unknown_key(const Node& node, const Rows& rows) {
  hal::FixedVector<std::string_view, 32> known;
  for (size_t row = 0; row < rows.count(); ++row) {
    if (!known.push_back(rows.info(row).name)) break;
  }
  const std::span<const std::string_view> words(known.begin(), known.end());
  const Path path = enter(node.key());
  TablesOfKey elsewhere(node.key());
  if (!closest_word(node.key(), words)) visit_keys_(elsewhere);
  if (elsewhere.at_top()) {
    error(node.key_position(), "unknown key `{}`; `{}` stands in no table: put it above the first [table]", path.view(),
          node.key());
  } else if (!elsewhere.text().empty()) {
    error(node.key_position(), "unknown key `{}`; `{}` belongs to {}", path.view(), node.key(), elsewhere.text());
  } else {
    Hint buffer{};
    error(node.key_position(), "unknown key `{}`, {}", path.view(), hint(buffer, node.key(), words, "known here are "));
  }
}

void Loader::missing_key(const Node& table, const KeyInfo& info) {
  error(table.position(), "the key `{}` ({}) is missing: {}", enter(info.name).view(), info.type, info.meaning);
}

bool Loader::expect(const Node& node, Kind kind, std::string_view what) {
  if (node.is(kind)) return true;
  error(node.position(), "`{}` must be {}, not {}", key(), what, name(node.kind()));
  return false;
}

bool Loader::expect_array(const Node& node, std::string_view what, size_t most) {
  if (!node.is(Kind::array)) {
    error(node.position(), "`{}` must be an array of {}, not {}", key(), what, name(node.kind()));
    return false;
  }
  if (node.size() <= most) return true;
  error(node.position(), "`{}` has {} elements; at most {} are possible", key(), node.size(), most);
  return false;
}

// ---------------------------------------------------------------------------------------------------------- values

bool Loader::read_boolean(const Node& node, bool& out) {
  if (!expect(node, Kind::boolean, "true or false")) return false;
  out = node.boolean();
  return true;
}

bool Loader::read_number(const Node& node, uint64_t low, uint64_t high, uint64_t& out) {
  if (!expect(node, Kind::integer, "an integer")) return false;
  const int64_t value = node.integer();
  if (value < 0 || static_cast<uint64_t>(value) < low || static_cast<uint64_t>(value) > high) {
    error(node.position(), "`{}` must be between {} and {}, not {}", key(), low, high, value);
    return false;
  }
  out = static_cast<uint64_t>(value);
  return true;
}

bool Loader::read_number(const Node& node, uint32_t low, uint32_t high, uint32_t& out) {
  uint64_t value = 0;
  if (!read_number(node, uint64_t{low}, uint64_t{high}, value)) return false;
  out = static_cast<uint32_t>(value);
  return true;
}

bool Loader::read_raw_address(const Node& node, uint64_t& out) {
  if (!expect(node, Kind::integer, "an address, like 0x4000_0000")) return false;
  if (node.integer() < 0) {
    error(node.position(), "`{}` is an address and cannot be negative", key());
    return false;
  }
  out = static_cast<uint64_t>(node.integer());
  return true;
}

namespace {

struct Unit {
  std::string_view name;
  uint64_t factor;
};
constexpr Unit size_units[] = {
    {"B", 1}, {"KiB", hal::kib}, {"MiB", hal::mib}, {"GiB", hal::gib}, {"TiB", 1024 * hal::gib}};
constexpr Unit time_units[] = {
    {"ns", 1}, {"us", 1000}, {"ms", 1'000'000}, {"s", 1'000'000'000}, {"min", 60'000'000'000}};

// "256MiB", "256 MiB": digits, perhaps a space, a unit. Nothing when it is anything else or beyond 63 bits.
std::optional<uint64_t> parse_quantity(std::string_view text, std::span<const Unit> units) {
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  std::string_view unit_name = text.substr(digits);
  if (unit_name.starts_with(' ')) unit_name.remove_prefix(1);
  const auto unit = std::ranges::find(units, unit_name, &Unit::name);
  if (digits == 0 || unit == units.end()) return {};
  constexpr uint64_t limit = INT64_MAX;
  uint64_t value = 0;
  for (const char c : text.substr(0, digits)) {
    const auto digit = static_cast<uint64_t>(c - '0');
    if (value > (limit - digit) / 10) return {};
    value = value * 10 + digit;
  }
  if (value > limit / unit->factor) return {};
  return value * unit->factor;
}

}  // namespace

bool Loader::read_size(const Node& node, uint64_t unit, uint64_t& out) {
  uint64_t value = 0;
  if (node.is(Kind::integer)) {
    if (!read_number(node, 0, INT64_MAX, value)) return false;
  } else {
    if (!expect(node, Kind::string, "a size, like \"256MiB\"")) return false;
    const auto parsed = parse_quantity(node.text(), size_units);
    if (!parsed) {
      error(node.position(), "`{}`: \"{}\" is not a size; write a whole number and B, KiB, MiB, GiB or TiB: \"256MiB\"",
            key(), node.text().substr(0, 40));
      return false;
    }
    value = *parsed;
  }
  if (value == 0 || value % unit != 0) {
    if (node.is(Kind::integer) && value != 0 && value < unit) {
      error(node.position(), "`{}` of {} is a number of bytes, and no multiple of {}: \"{}MiB\" is one", key(), value,
            hal::Size{unit}, value);
    } else {
      error(node.position(), "`{}` must be a multiple of {}, and not 0", key(), hal::Size{unit});
    }
    return false;
  }
  out = value;
  return true;
}

bool Loader::read_duration(const Node& node, uint64_t low_ns, uint64_t high_ns, uint64_t& out) {
  if (!expect(node, Kind::string, "a time with its unit, like \"5ms\"")) return false;
  const auto parsed = parse_quantity(node.text(), time_units);
  if (!parsed) {
    error(node.position(), "`{}`: \"{}\" is not a time; write a whole number and ns, us, ms, s or min: \"5ms\"", key(),
          node.text().substr(0, 40));
    return false;
  }
  if (*parsed < low_ns || *parsed > high_ns) {
    error(node.position(), "`{}` must be between {} us and {} us, not \"{}\"", key(), low_ns / 1000, high_ns / 1000,
          node.text());
    return false;
  }
  out = *parsed;
  return true;
}

bool Loader::expect_text_fits(const Node& node, size_t capacity) {
  if (!expect(node, Kind::string, "a string")) return false;
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (std::ranges::any_of(node.text(), is_control)) {
    error(node.position(), "`{}` must be one line without control characters", key());
    return false;
  }
  if (node.text().size() <= capacity) return true;
  error(node.position(), "`{}` is {} bytes long; at most {} are possible", key(), node.text().size(), capacity);
  return false;
}

bool Loader::read_path(const Node& node, BundlePath& out) {
  BundlePath path;
  if (!read_text(node, path)) return false;
  const std::string_view text = path;
  // As the archive spells it: nothing else would be found in there.
  bool is_plain = true;
  for (std::string_view rest = text;;) {
    const std::string_view part = rest.substr(0, rest.find('/'));
    is_plain = is_plain && !part.empty() && part != "." && part != "..";
    if (part.size() == rest.size()) break;
    rest.remove_prefix(part.size() + 1);
  }
  if (!is_plain) {
    error(node.position(),
          "`{}` names a file inside the bundle, like \"linux/Image\", without `.` and `..`; \"{}\" does not", key(), text);
    return false;
  }
  out = path;
  return true;
}

bool Loader::read_name(const Node& node, VmName& out) {
  VmName text;
  if (!read_text(node, text)) return false;
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const auto is_allowed = [&](char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '_'; };
  if (text.empty() || !is_letter(text.view().front()) || !std::ranges::all_of(text.view(), is_allowed)) {
    error(node.position(), "`{}`: \"{}\" is not a name; it needs a letter first, then letters, digits, `-` and `_`",
          key(), text.view());
    return false;
  }
  out = text;
  return true;
}

bool Loader::read_choice_index(const Node& node, std::span<const std::string_view> words, size_t& out) {
  if (!expect(node, Kind::string, "a string")) return false;
  const auto found = std::ranges::find(words, node.text());
  if (found == words.end()) {
    Hint buffer{};
    error(node.position(), "`{}` cannot be \"{}\"; {}", key(), node.text().substr(0, 40),
          hint(buffer, node.text(), words, "it is one of "));
    return false;
  }
  out = static_cast<size_t>(found - words.begin());
  return true;
}

// -------------------------------------------------------------------------------------------------------- CPU sets

namespace {

constexpr unsigned cpu_count = 64;

// Takes a CPU number from the front of `text`.
std::optional<unsigned> take_cpu(std::string_view& text) {
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  if (digits == 0 || digits > 3) return {};
  unsigned value = 0;
  for (const char c : text.substr(0, digits)) value = value * 10 + static_cast<unsigned>(c - '0');
  text.remove_prefix(digits);
  if (value >= cpu_count) return {};
  return value;
}

// "0-3,5"
std::optional<uint64_t> parse_cpus(std::string_view text) {
  uint64_t bits = 0;
  for (;;) {
    const auto first = take_cpu(text);
    if (!first) return {};
    auto last = first;
    if (text.starts_with('-')) {
      text.remove_prefix(1);
      last = take_cpu(text);
      if (!last || *last < *first) return {};
    }
    for (unsigned cpu = *first; cpu <= *last; ++cpu) bits |= uint64_t{1} << cpu;
    if (text.empty()) return bits;
    if (!text.starts_with(',')) return {};
    text.remove_prefix(1);
    while (text.starts_with(' ')) text.remove_prefix(1);
  }
}

}  // namespace

bool Loader::read_cpu_list(const Node& node, CpuSet& out) {
  if (!expect_array(node, "CPU numbers", cpu_count)) return false;
  CpuSet set{0};
  for (const Node& element : node) {
    uint32_t cpu = 0;
    if (!read_number(element, 0, cpu_count - 1, cpu)) return false;
    set.bits |= uint64_t{1} << cpu;
  }
  if (set.bits == 0) {
    error(node.position(), "`{}` names no CPU at all", key());
    return false;
  }
  out = set;
  return true;
}

bool Loader::read_cpus(const Node& node, CpuSet& out) {
  if (node.is(Kind::array)) return read_cpu_list(node, out);
  if (!expect(node, Kind::string, "a set of CPUs, like \"0-3,5\" or [0, 1]")) return false;
  const auto bits = parse_cpus(node.text());
  if (!bits) {
    error(node.position(), "`{}`: \"{}\" is not a set of CPUs (0 to {}); write it like \"0-3,5\"", key(),
          node.text().substr(0, 40), cpu_count - 1);
    return false;
  }
  out.bits = *bits;
  return true;
}

// -------------------------------------------------------------------------------------------------------- document

const Node* parse_document(std::string_view text, std::span<std::byte> arena, Diagnostics& diagnostics) {
  if (text.size() > max_file_size) {
    diagnostics.error({}, "the file has {} bytes; at most {} are read", text.size(), max_file_size);
    return nullptr;
  }
  const auto document = toml::parse(text, arena);
  if (document.ok()) return document->root;
  std::array<char, Diagnostics::message_capacity> buffer{};
  hal::BufferSink message(buffer);
  describe(message, document.error());
  diagnostics.error(document.error().position, "{}", message.text());
  return nullptr;
}

}  // namespace config
