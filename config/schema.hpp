// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

#include "config/diagnostics.hpp"
#include "config/toml.hpp"
#include "config/vm_config.hpp"
#include "hal/base/address.hpp"
#include "hal/base/fixed.hpp"

// How the tables of vm_schema.cpp and host_schema.cpp turn a TOML document into a struct. One row per key says its
// name, type, default and meaning for people, and how it is read; an unknown key, a wrong type and a missing one are
// found by the same loop for every table.
namespace config {

struct KeyInfo {
  std::string_view name;
  std::string_view type;      // "size", "CPU set" ...
  std::string_view fallback;  // the default, as TOML; `required` for a key without one
  std::string_view meaning;   // one line
  [[nodiscard]] bool is_required() const { return fallback == required; }
  static constexpr std::string_view required = "required";
};

class Loader;

template <class T>
struct Key {
  KeyInfo info;
  void (*read)(Loader& loader, const toml::Node& node, T& out);
};

// A table's rows, as an argument: T follows from the struct to fill.
template <class T>
using Keys = std::type_identity_t<std::span<const Key<T>>>;

// One word of a closed set of words.
template <class T>
struct Choice {
  std::string_view word;
  T value;
};

// Reads values and reports what is wrong with them: where it stands, which key, what was meant. The read functions
// return false, and leave `out` alone, after an error; errors() counts them.
class KeyVisitor;

class Loader {
 public:
  // `visit_keys` goes over every key of the file, to tell where a key belongs that stands in the wrong table.
  Loader(Diagnostics& diagnostics, void (*visit_keys)(KeyVisitor& visitor))
      : diagnostics_(diagnostics), visit_keys_(visit_keys) {}

  template <class T>
  void read_table(const toml::Node& node, Keys<T> keys, T& out);
  // [[key]]: `read` gets each element.
  template <class T, size_t Capacity>
  void read_tables(const toml::Node& node, Keys<T> keys, hal::FixedVector<T, Capacity>& out,
                   void (*finish)(Loader&, const toml::Node&, T&));

  bool read_boolean(const toml::Node& node, bool& out);
  bool read_number(const toml::Node& node, uint64_t low, uint64_t high, uint64_t& out);
  bool read_number(const toml::Node& node, uint32_t low, uint32_t high, uint32_t& out);
  // "256MiB", or a number of bytes: a multiple of `unit`, not 0.
  bool read_size(const toml::Node& node, uint64_t unit, uint64_t& out);
  template <class Place>
  bool read_address(const toml::Node& node, Place& out);
  // "5ms"; in nanoseconds.
  bool read_duration(const toml::Node& node, uint64_t low_ns, uint64_t high_ns, uint64_t& out);
  template <size_t Capacity>
  bool read_text(const toml::Node& node, hal::FixedString<Capacity>& out);
  // A file of the bundle: relative, without "..".
  bool read_path(const toml::Node& node, BundlePath& out);
  bool read_name(const toml::Node& node, VmName& out);
  bool read_cpus(const toml::Node& node, CpuSet& out);
  template <class T, size_t Count>
  bool read_choice(const toml::Node& node, const Choice<T> (&choices)[Count], T& out);
  // An array; `what` says of what. The caller goes over the elements.
  bool expect_array(const toml::Node& node, std::string_view what, size_t most);

  template <class... Arguments>
  void error(Position position, hal::Pattern<std::type_identity_t<Arguments>...> pattern,
             const Arguments&... arguments) {
    diagnostics_.error(position, pattern, arguments...);
  }
  // The key being read, with its table: "kernel.load".
  [[nodiscard]] std::string_view key() const { return path_; }
  [[nodiscard]] unsigned errors() const { return diagnostics_.errors(); }

 private:
  using Path = hal::FixedString<63>;

  // A table's rows without the type of what they fill, so that there is one loop over all of them.
  class Rows {
   public:
    [[nodiscard]] virtual size_t count() const = 0;
    [[nodiscard]] virtual const KeyInfo& info(size_t row) const = 0;
    virtual void read(size_t row, Loader& loader, const toml::Node& member) const = 0;

   protected:
    ~Rows() = default;
  };

  void read_rows(const toml::Node& node, const Rows& rows);
  bool expect(const toml::Node& node, toml::Kind kind, std::string_view what);
  bool read_raw_address(const toml::Node& node, uint64_t& out);
  bool expect_text_fits(const toml::Node& node, size_t capacity);
  bool read_cpu_list(const toml::Node& node, CpuSet& out);
  bool read_choice_index(const toml::Node& node, std::span<const std::string_view> words, size_t& out);
  void unknown_key(const toml::Node& node, const Rows& rows);
  void missing_key(const toml::Node& table, const KeyInfo& info);
  [[nodiscard]] Path enter(std::string_view key);

  Diagnostics& diagnostics_;
  void (*visit_keys_)(KeyVisitor& visitor);
  Path path_;
};

// The word of `known` that was probably meant, or nothing.
[[nodiscard]] std::optional<std::string_view> closest_word(std::string_view word,
                                                           std::span<const std::string_view> known);

// Every key of a file, for documentation and its test.
class KeyVisitor {
 public:
  // `table` is empty for top-level keys; "[[memory.region]]" and "[kernel]" as they are written.
  virtual void visit(std::string_view table, const KeyInfo& info) = 0;

 protected:
  ~KeyVisitor() = default;
};
void visit_vm_keys(KeyVisitor& visitor);
void visit_host_keys(KeyVisitor& visitor);

// No file of a user's is longer. What is, is not parsed: it would keep a CPU for as long as it likes.
inline constexpr size_t max_file_size = 256 * hal::kib;

// Parses `text` and hands its root to `read`; what both files' load functions are made of.
[[nodiscard]] const toml::Node* parse_document(std::string_view text, std::span<std::byte> arena,
                                               Diagnostics& diagnostics);

// ----------------------------------------------------------------------------------------------------- definitions

template <class T>
void Loader::read_table(const toml::Node& node, Keys<T> keys, T& out) {
  struct Typed final : Rows {
    Typed(Keys<T> keys, T& out) : keys(keys), out(out) {}
    size_t count() const override { return keys.size(); }
    const KeyInfo& info(size_t row) const override { return keys[row].info; }
    void read(size_t row, Loader& loader, const toml::Node& member) const override {
      keys[row].read(loader, member, out);
    }
    Keys<T> keys;
    T& out;
  };
  read_rows(node, Typed(keys, out));
}

template <class T, size_t Capacity>
void Loader::read_tables(const toml::Node& node, Keys<T> keys, hal::FixedVector<T, Capacity>& out,
                         void (*finish)(Loader&, const toml::Node&, T&)) {
  if (!expect_array(node, "tables", Capacity)) return;
  for (const toml::Node& element : node) {
    T value{};
    const unsigned errors_before = errors();
    read_table(element, keys, value);
    // What belongs together is judged only when its parts are good.
    if (errors() == errors_before) finish(*this, element, value);
    (void)out.push_back(value);
  }
}

template <class Place>
bool Loader::read_address(const toml::Node& node, Place& out) {
  uint64_t value = 0;
  if (!read_raw_address(node, value)) return false;
  out = Place(value);
  return true;
}

template <size_t Capacity>
bool Loader::read_text(const toml::Node& node, hal::FixedString<Capacity>& out) {
  return expect_text_fits(node, Capacity) && out.assign(node.text());
}

template <class T, size_t Count>
bool Loader::read_choice(const toml::Node& node, const Choice<T> (&choices)[Count], T& out) {
  std::array<std::string_view, Count> words;
  for (size_t i = 0; i < Count; ++i) words[i] = choices[i].word;
  size_t index = 0;
  if (!read_choice_index(node, words, index)) return false;
  out = choices[index].value;
  return true;
}

}  // namespace config
