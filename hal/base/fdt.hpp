// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <ranges>
#include <span>
#include <string_view>

#include "hal/base/address.hpp"
#include "hal/base/result.hpp"

// Reading a flattened device tree (Devicetree Specification 0.4, chapter 5, format version 17).
//
//     +--------+-----------------+---------------------------+------------------+
//     | header | reservations    | structure: nested tokens  | property names   |
//     +--------+-----------------+---------------------------+------------------+
//
// Fdt::open() walks the whole blob once and refuses one that is damaged; from then on a node or property is only an
// offset, and looking at it cannot fail or leave the blob. What a tree *says* is still not to be trusted: everything
// that reads a value gives an optional. Nothing is copied, so views live as long as the blob.
//
// Where a node ends, whose child it is and who has a phandle is found by walking from the root. Who looks for much, as at
// start-up, gives open() room for an index of the nodes, which answers that instead.
//
// Loads are at most 8 bytes wide and may be aligned to 4 only: run with the MMU on, or built with -mstrict-align.
namespace hal {

enum class FdtError : uint8_t {
  truncated,      // the buffer ends before the blob does
  bad_magic,      // not a device tree
  bad_version,    // not readable as version 17
  bad_layout,     // a block lies outside the blob or is misaligned
  bad_structure,  // tokens, nesting or names are damaged
  too_deep,       // nested deeper than fdt_max_depth
  narrow_cells,   // writing: a range of memory does not fit the root's #address-cells and #size-cells
  no_space,       // writing: the buffer is full
  misuse,         // writing: unbalanced nodes, or a property outside a node or after a child
};
[[nodiscard]] std::string_view name(FdtError error);

inline constexpr size_t fdt_max_depth = 32;
inline constexpr size_t fdt_header_size = 40;
inline constexpr uint32_t fdt_magic = 0xd00dfeed;

class Fdt;
class FdtNode;

// Big-endian 32-bit cells, the numbers of a device tree.
class FdtCells {
 public:
  constexpr FdtCells() = default;
  // A length that is not a multiple of 4 loses its tail.
  constexpr explicit FdtCells(std::span<const std::byte> bytes) : bytes_(bytes) {}

  [[nodiscard]] constexpr size_t size() const { return bytes_.size() / 4; }
  [[nodiscard]] constexpr bool empty() const { return size() == 0; }
  // `index` < size().
  [[nodiscard]] uint32_t operator[](size_t index) const;
  // `count` cells from `index` as one number; nothing when they are not there or the number has over 64 bits.
  [[nodiscard]] std::optional<uint64_t> number(size_t index, size_t count) const;
  // `count` cells from `index`; empty when they are not there.
  [[nodiscard]] FdtCells slice(size_t index, size_t count) const;

 private:
  std::span<const std::byte> bytes_;
};

// The NUL-terminated strings of a string list; the unterminated tail of a damaged one is left out.
class FdtStrings {
 public:
  class Iterator {
   public:
    using value_type = std::string_view;
    using difference_type = ptrdiff_t;
    constexpr Iterator() = default;
    explicit Iterator(std::string_view rest);
    std::string_view operator*() const { return rest_.substr(0, length_); }
    Iterator& operator++();
    Iterator operator++(int) {
      Iterator old = *this;
      return ++*this, old;
    }
    friend bool operator==(const Iterator& a, const Iterator& b) { return a.rest_.size() == b.rest_.size(); }

   private:
    std::string_view rest_;
    size_t length_ = 0;
  };

  explicit FdtStrings(std::string_view bytes) : bytes_(bytes) {}
  [[nodiscard]] Iterator begin() const { return Iterator(bytes_); }
  [[nodiscard]] Iterator end() const { return {}; }
  [[nodiscard]] bool contains(std::string_view wanted) const;

 private:
  std::string_view bytes_;
};

class FdtProperty {
 public:
  FdtProperty() = default;
  FdtProperty(const char* name, std::span<const std::byte> value) : name_(name), value_(value) {}

  [[nodiscard]] std::string_view name() const { return name_; }
  [[nodiscard]] std::span<const std::byte> bytes() const { return value_; }
  [[nodiscard]] FdtCells cells() const { return FdtCells(value_); }
  // Exactly one or two cells.
  [[nodiscard]] std::optional<uint32_t> u32() const;
  [[nodiscard]] std::optional<uint64_t> u64() const;
  // One or two cells, as for properties whose width is left to the writer (linux,initrd-start).
  [[nodiscard]] std::optional<uint64_t> u32_or_u64() const;
  // The first string, without its NUL.
  [[nodiscard]] std::optional<std::string_view> string() const;
  [[nodiscard]] FdtStrings strings() const;

 private:
  const char* name_ = "";
  std::span<const std::byte> value_;
};

// What a range-based for loop walks; ends where the iterator says so.
template <class Iterator>
class FdtRange {
 public:
  explicit FdtRange(Iterator begin) : begin_(begin) {}
  [[nodiscard]] Iterator begin() const { return begin_; }
  [[nodiscard]] std::default_sentinel_t end() const { return {}; }

 private:
  Iterator begin_;
};

// One token of the structure block (section 5.4.1), NOPs skipped: what it is, and where the next one begins.
struct FdtToken {
  enum class Kind : uint32_t { begin_node = 1, end_node = 2, property = 3, nop = 4, end = 9 };
  Kind kind = Kind::end;
  uint32_t offset = 0;  // of the token itself
  uint32_t next = 0;    // of whatever follows; 0 where there is no token
};

// What an index knows of a node. Entries are in the order of the tree, so their offsets ascend.
struct FdtIndexEntry {
  uint32_t node;        // its offset
  uint32_t end;         // behind it and its children
  uint32_t parent;      // number of that entry; the root is its own
  uint32_t phandle;     // 0: none
  uint32_t compatible;  // offset of the property; 0: none
};

// A controller and how the interrupt is named in its terms (#interrupt-cells cells).
struct FdtInterrupt;

class FdtPropertyIterator {
 public:
  using value_type = FdtProperty;
  using difference_type = ptrdiff_t;
  FdtPropertyIterator() = default;
  FdtPropertyIterator(const Fdt& fdt, uint32_t offset);
  FdtProperty operator*() const;
  FdtPropertyIterator& operator++();
  FdtPropertyIterator operator++(int) {
    FdtPropertyIterator old = *this;
    return ++*this, old;
  }
  friend bool operator==(const FdtPropertyIterator& a, std::default_sentinel_t) { return a.at_end(); }
  friend bool operator==(const FdtPropertyIterator& a, const FdtPropertyIterator& b) {
    return a.at_.offset == b.at_.offset;
  }

 private:
  [[nodiscard]] bool at_end() const { return at_.kind != FdtToken::Kind::property; }
  const Fdt* fdt_ = nullptr;
  FdtToken at_;
};

class FdtChildIterator;

// A node of an Fdt, which must outlive it.
class FdtNode {
 public:
  FdtNode() = default;
  FdtNode(const Fdt& fdt, uint32_t offset) : fdt_(&fdt), offset_(offset) {}

  // "uart@9000000"; the root's is empty.
  [[nodiscard]] std::string_view name() const;
  // "uart": what stands before the unit address.
  [[nodiscard]] std::string_view base_name() const;
  // "9000000"; empty when there is none.
  [[nodiscard]] std::string_view unit_address() const;

  [[nodiscard]] FdtRange<FdtPropertyIterator> properties() const;
  [[nodiscard]] FdtRange<FdtChildIterator> children() const;
  [[nodiscard]] std::optional<FdtProperty> property(std::string_view wanted) const;
  [[nodiscard]] bool has(std::string_view wanted) const { return property(wanted).has_value(); }
  // A child by its full name, or by its base name when `wanted` has no unit address.
  [[nodiscard]] std::optional<FdtNode> child(std::string_view wanted) const;
  [[nodiscard]] std::optional<FdtNode> parent() const;

  // Shorthands for properties of one value.
  [[nodiscard]] std::optional<uint32_t> u32(std::string_view wanted) const;
  [[nodiscard]] std::optional<std::string_view> string(std::string_view wanted) const;

  [[nodiscard]] bool is_compatible(std::string_view with) const;
  // No `status`, or "okay" (section 2.3.4).
  [[nodiscard]] bool is_enabled() const;
  [[nodiscard]] std::optional<uint32_t> phandle() const;

  // #address-cells and #size-cells for this node's children (section 2.3.5).
  [[nodiscard]] uint32_t address_cells() const;
  [[nodiscard]] uint32_t size_cells() const;

  // Entry `index` of `reg` as the CPU sees it: translated by the `ranges` of every bus up to the root. Nothing when
  // there is no such entry, a bus on the way does not map it, or it would wrap.
  [[nodiscard]] std::optional<HostPhysRange> reg(size_t index) const;
  // The same numbers untranslated, for buses that are not memory: /cpus, I2C.
  struct BusRange {
    uint64_t address;
    uint64_t size;  // 0 where #size-cells is 0
  };
  [[nodiscard]] std::optional<BusRange> bus_reg(size_t index) const;

  // Entry `index` of `interrupts-extended`, or of `interrupts` at the interrupt parent (section 2.4.1).
  [[nodiscard]] std::optional<FdtInterrupt> interrupt(size_t index) const;
  [[nodiscard]] std::optional<FdtNode> interrupt_parent() const;

  [[nodiscard]] const Fdt& fdt() const { return *fdt_; }
  [[nodiscard]] uint32_t offset() const { return offset_; }
  friend bool operator==(const FdtNode&, const FdtNode&) = default;

 private:
  const Fdt* fdt_ = nullptr;
  uint32_t offset_ = 0;
};

struct FdtInterrupt {
  FdtNode controller;
  FdtCells specifier;
};

class FdtChildIterator {
 public:
  using value_type = FdtNode;
  using difference_type = ptrdiff_t;
  FdtChildIterator() = default;
  FdtChildIterator(const Fdt& fdt, uint32_t offset);
  FdtNode operator*() const { return {*fdt_, at_.offset}; }
  FdtChildIterator& operator++();
  FdtChildIterator operator++(int) {
    FdtChildIterator old = *this;
    return ++*this, old;
  }
  friend bool operator==(const FdtChildIterator& a, std::default_sentinel_t) {
    return a.at_.kind != FdtToken::Kind::begin_node;
  }
  friend bool operator==(const FdtChildIterator& a, const FdtChildIterator& b) { return a.at_.offset == b.at_.offset; }

 private:
  const Fdt* fdt_ = nullptr;
  FdtToken at_;
};

// Every node, parents before children.
class FdtNodeIterator {
 public:
  using value_type = FdtNode;
  using difference_type = ptrdiff_t;
  FdtNodeIterator() = default;
  FdtNodeIterator(const Fdt& fdt, uint32_t offset);
  FdtNode operator*() const { return {*fdt_, at_.offset}; }
  FdtNodeIterator& operator++();
  FdtNodeIterator operator++(int) {
    FdtNodeIterator old = *this;
    return ++*this, old;
  }
  friend bool operator==(const FdtNodeIterator& a, std::default_sentinel_t) {
    return a.at_.kind == FdtToken::Kind::end;
  }
  friend bool operator==(const FdtNodeIterator& a, const FdtNodeIterator& b) { return a.at_.offset == b.at_.offset; }

 private:
  const Fdt* fdt_ = nullptr;
  FdtToken at_;
};

class Fdt {
 public:
  // The blob's own idea of its size, from its first fdt_header_size bytes: how much to map before open().
  [[nodiscard]] static Result<size_t, FdtError> total_size(std::span<const std::byte> header);
  // `blob` may be longer than the tree in it. `room` is for the index and must outlive the result; a tree with more nodes
  // than it holds has none.
  [[nodiscard]] static Result<Fdt, FdtError> open(std::span<const std::byte> blob, std::span<FdtIndexEntry> room = {});

  [[nodiscard]] std::span<const std::byte> bytes() const { return blob_; }
  [[nodiscard]] uint32_t boot_cpu() const { return boot_cpu_; }
  [[nodiscard]] FdtNode root() const { return {*this, root_}; }
  [[nodiscard]] FdtRange<FdtNodeIterator> nodes() const { return FdtRange(FdtNodeIterator(*this, root_)); }
  // Every node with `what` in its `compatible`; `what` must outlive the loop.
  [[nodiscard]] auto compatible(std::string_view what) const {
    return std::views::filter(nodes(), [what](const FdtNode& node) { return node.is_compatible(what); });
  }
  [[nodiscard]] std::optional<FdtNode> find_compatible(std::string_view what) const;
  // The first of them that is enabled.
  [[nodiscard]] std::optional<FdtNode> find_enabled(std::string_view what) const;

  // "/soc/uart@9000000", or an alias followed by the rest of a path: "serial0", "pci0/nvme@0". A component without a
  // unit address takes the first node of that base name.
  [[nodiscard]] std::optional<FdtNode> find(std::string_view path) const;
  [[nodiscard]] std::optional<FdtNode> find_phandle(uint32_t phandle) const;

  // Memory to leave alone (section 5.3); /reserved-memory is another list, made of nodes. An entry that would wrap is
  // cut at the end of the address space.
  [[nodiscard]] size_t reservation_count() const { return reservations_.size() / 16; }
  [[nodiscard]] HostPhysRange reservation(size_t index) const;

  // For the iterators: the token at `offset` of the structure block, or `end` outside it.
  [[nodiscard]] FdtToken token(uint32_t offset) const;
  // What a token says that is the beginning of a node, by its offset, or a property.
  [[nodiscard]] std::string_view node_name(uint32_t node) const;
  [[nodiscard]] FdtProperty property(FdtToken property) const;
  // Is the property called `wanted`? Looks at no more than wanted.size() + 1 bytes.
  [[nodiscard]] bool is_named(FdtToken property, std::string_view wanted) const;
  [[nodiscard]] bool is_phandle(FdtToken property) const;
  // All property names, the last terminated; and where in there a property's is.
  [[nodiscard]] std::span<const std::byte> names() const { return strings_; }
  [[nodiscard]] uint32_t name_offset(FdtToken property) const { return word(property.offset + 8); }
  // The offset behind the node that begins with this token, its children included.
  [[nodiscard]] uint32_t end_of_node(FdtToken node) const;
  // The next node of the tree after this one, a child if there is any; `end` if none follows.
  [[nodiscard]] FdtToken next_node(FdtToken node) const;
  [[nodiscard]] std::optional<FdtProperty> compatible_of(const FdtNode& node) const;

  // A node's ancestors, the root first, the node itself last.
  struct Lineage {
    std::array<uint32_t, fdt_max_depth> offsets{};
    size_t size = 0;
  };
  [[nodiscard]] Lineage lineage(const FdtNode& node) const;

 private:
  Fdt() = default;
  [[nodiscard]] Result<void, FdtError> locate_blocks();
  [[nodiscard]] Result<void, FdtError> check_structure(std::span<FdtIndexEntry> room);
  // Null where there is no index.
  [[nodiscard]] const FdtIndexEntry* entry(uint32_t node) const;
  [[nodiscard]] uint32_t word(size_t offset) const;

  std::span<const std::byte> blob_;
  std::span<const std::byte> structure_;
  std::span<const std::byte> strings_;  // ends with a NUL
  std::span<const std::byte> reservations_;
  std::span<const FdtIndexEntry> index_;  // of all nodes, or empty
  uint32_t root_ = 0;
  uint32_t boot_cpu_ = 0;
};

// What the boot loader wrote into /chosen (section 3.6 and Linux's bindings).
struct FdtChosen {
  std::string_view bootargs;
  std::optional<FdtNode> console;    // stdout-path, aliases resolved
  std::string_view console_options;  // "115200n8": what follows the colon
  std::optional<HostPhysRange> initrd;
  std::optional<FdtNode> node;  // for what else is there
};
[[nodiscard]] FdtChosen read_chosen(const Fdt& fdt);

}  // namespace hal
