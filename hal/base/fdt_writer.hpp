// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>

#include "hal/base/address.hpp"
#include "hal/base/fdt.hpp"
#include "hal/base/fixed.hpp"
#include "hal/base/result.hpp"

namespace hal {

class FdtEdit;

// Builds a flattened device tree in a caller's buffer, front to back:
//
//     FdtWriter writer(buffer);
//     writer.reserve(range);                       // before the first node
//     writer.begin_node("");                       // the root
//     writer.u32("#address-cells", 2);             // a node's properties first, then its children
//     writer.begin_node("memory", 0x4000'0000);    // "memory@40000000"
//     ...
//     writer.end_node();
//     writer.end_node();
//     const std::span<const std::byte> blob = TRY(writer.finish());
//
// The first error sticks and is what finish() returns; calls after it do nothing, so callers need not check each one.
//
//     | header | reservations -> | structure -> |      free      | <- names, the first 128 once |
//
// finish() closes the gap. The blob's address should be 8-byte aligned, as the specification asks.
class FdtWriter {
 public:
  explicit FdtWriter(std::span<std::byte> buffer, uint32_t boot_cpu = 0);
  FdtWriter(const FdtWriter&) = delete;
  FdtWriter& operator=(const FdtWriter&) = delete;

  void reserve(HostPhysRange range);

  void begin_node(std::string_view name);
  void begin_node(std::string_view name, uint64_t unit_address);
  void end_node();

  void property(std::string_view name, std::span<const std::byte> value);
  void flag(std::string_view name) { property(name, {}); }
  void u32(std::string_view name, uint32_t value) { cells(name, {value}); }
  void u64(std::string_view name, uint64_t value) { u64s(name, {value}); }
  void cells(std::string_view name, std::span<const uint32_t> values);
  void cells(std::string_view name, std::initializer_list<uint32_t> values) {
    cells(name, std::span(values.begin(), values.size()));
  }
  // Two cells each: `reg` and `ranges` where addresses and sizes both take two.
  void u64s(std::string_view name, std::span<const uint64_t> values);
  void u64s(std::string_view name, std::initializer_list<uint64_t> values) {
    u64s(name, std::span(values.begin(), values.size()));
  }
  void string(std::string_view name, std::string_view value) { strings(name, {value}); }
  void strings(std::string_view name, std::initializer_list<std::string_view> values);

  // All of `source`, reservations included, with what `edit` changes on the way: first of all, in one pass, with the
  // names of all its properties as they are.
  void copy(const Fdt& source, FdtEdit& edit);

  // For those who write on somebody's behalf and cannot: the first error counts.
  void fail_with(FdtError error);
  [[nodiscard]] Result<std::span<const std::byte>, FdtError> finish();

 private:
  [[nodiscard]] bool failed() const { return error_.has_value(); }
  // `size` fresh bytes of the structure block, padding included; empty after an error.
  std::span<std::byte> grow(size_t size);
  void put_token(FdtToken::Kind kind);
  void end_reservations();
  // Starts a property and gives the place of its value.
  std::span<std::byte> open_property(std::string_view name, size_t size) {
    return open_property_at(failed() ? 0 : intern(name), size);
  }
  // Names are told by their distance from the end of the buffer, which does not change when more are added.
  std::span<std::byte> open_property_at(size_t name, size_t size);
  size_t intern(std::string_view name);
  void adopt_names(const Fdt& source);
  void turn_distances_into_offsets(size_t strings_size);

  std::span<std::byte> buffer_;
  size_t used_ = fdt_header_size;  // from the front
  size_t structure_ = 0;           // where that block begins; 0 before the first node
  size_t strings_ = 0;             // bytes at the end of the buffer
  size_t adopted_ = 0;             // the last of them, which came from another tree and are not looked through
  // Where the other names are, by their distance from the end, which grows from one to the next.
  FixedVector<uint32_t, 128> names_;
  uint32_t boot_cpu_;
  size_t depth_ = 0;
  bool root_closed_ = false;
  bool properties_allowed_ = false;
  std::optional<FdtError> error_;
};

// What becomes of a tree while FdtWriter::copy() copies it. The base class changes nothing.
class FdtEdit {
 public:
  // False leaves out the node, so many levels below the root, and everything below it.
  [[nodiscard]] virtual bool keeps(const FdtNode&, size_t /*depth*/) { return true; }
  [[nodiscard]] virtual bool keeps(const FdtNode&, const FdtProperty&) { return true; }
  // Called behind the node's own properties, and behind its own children: adds more of them.
  virtual void add_properties(const FdtNode&, FdtWriter&) {}
  virtual void add_children(const FdtNode&, FdtWriter&) {}

 protected:
  ~FdtEdit() = default;
};

// Memory that the kernel must leave alone (section 3.5); with `no_map` it must not even map it as memory.
struct FdtReserved {
  GuestPhysRange range;
  bool no_map;
};

// What a boot loader tells a kernel, put into a tree that somebody else wrote: replaces the memory nodes and these
// properties of /chosen, adds to /reserved-memory what does not begin at the address of a node that is there, and keeps
// all else. FdtError::narrow_cells where the cells cannot say where the memory is.
struct FdtBootInfo {
  std::span<const GuestPhysRange> memory;
  std::optional<std::string_view> bootargs = {};  // nothing: what the tree says stands
  std::optional<GuestPhysRange> initrd = {};
  std::span<const std::byte> kaslr_seed = {};  // empty: what the tree says stands
  std::span<const std::byte> rng_seed = {};
  std::span<const FdtReserved> reserved = {};
};
void copy_with_boot_info(FdtWriter& writer, const Fdt& source, const FdtBootInfo& info);

// The properties of /chosen, the memory nodes and /reserved-memory alone, for trees that are written from scratch (two
// address and two size cells).
void write_chosen(FdtWriter& writer, const FdtBootInfo& info);
void write_reserved_memory(FdtWriter& writer, std::span<const FdtReserved> reserved);
void write_memory(FdtWriter& writer, std::span<const GuestPhysRange> memory, uint32_t address_cells = 2,
                  uint32_t size_cells = 2);

}  // namespace hal
