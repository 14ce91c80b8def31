// SPDX-License-Identifier: Apache-2.0
#include "hal/base/fdt_writer.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "hal/base/big_endian.hpp"
#include "hal/base/format.hpp"

namespace hal {
namespace {

constexpr size_t reservation_size = 16;
// Token, length, name.
constexpr size_t property_header_size = 12;
constexpr uint32_t format_version = 17;
constexpr uint32_t compatible_version = 16;

void copy_text(std::span<std::byte> to, std::string_view text) {
  std::memcpy(to.first(text.size()).data(), text.data(), text.size());
}

}  // namespace

FdtWriter::FdtWriter(std::span<std::byte> buffer, uint32_t boot_cpu) : buffer_(buffer), boot_cpu_(boot_cpu) {
  // Offsets in a blob have 32 bits.
  if (buffer_.size() > UINT32_MAX) buffer_ = buffer_.first(UINT32_MAX);
  if (buffer_.size() < fdt_header_size + reservation_size) fail_with(FdtError::no_space);
}

void FdtWriter::fail_with(FdtError error) {
  if (!error_) error_ = error;
}

std::span<std::byte> FdtWriter::grow(size_t size) {
  if (failed()) return {};
  const size_t room = buffer_.size() - strings_ - used_;
  if (size > room || align_up(size, 4) > room) {
    fail_with(FdtError::no_space);
    return {};
  }
  const auto place = buffer_.subspan(used_, align_up(size, 4));
  std::memset(place.data(), 0, place.size());
  used_ += place.size();
  return place;
}

void FdtWriter::put_token(FdtToken::Kind kind) {
  if (const auto place = grow(4); !place.empty()) store_be32(place, static_cast<uint32_t>(kind));
}

void FdtWriter::reserve(HostPhysRange range) {
  if (structure_ != 0) return fail_with(FdtError::misuse);
  // An empty range at 0 would end the list.
  if (range.empty()) return;
  const auto place = grow(reservation_size);
  if (place.empty()) return;
  store_be64(place, range.start.value());
  store_be64(place.subspan(8), range.size);
}

void FdtWriter::end_reservations() {
  if (structure_ != 0) return;
  if (grow(reservation_size).empty()) return;
  structure_ = used_;
}

void FdtWriter::begin_node(std::string_view name) {
  end_reservations();
  if (root_closed_) return fail_with(FdtError::misuse);
  if (depth_ == fdt_max_depth) return fail_with(FdtError::too_deep);
  put_token(FdtToken::Kind::begin_node);
  const auto place = grow(name.size() + 1);
  if (place.empty()) return;
  copy_text(place, name);
  ++depth_;
  properties_allowed_ = true;
}

void FdtWriter::begin_node(std::string_view name, uint64_t unit_address) {
  std::array<char, 64> full{};
  std::array<char, max_digits> storage{};
  BufferSink text(full);
  text.put(name);
  text.put("@");
  text.put(digits(unit_address, 16, storage));
  // Room for "@" and 16 digits behind the name: node names have at most 31 characters (section 2.2.1).
  if (text.truncated()) return fail_with(FdtError::misuse);
  begin_node(text.text());
}

void FdtWriter::end_node() {
  if (depth_ == 0) return fail_with(FdtError::misuse);
  put_token(FdtToken::Kind::end_node);
  properties_allowed_ = false;
  root_closed_ = --depth_ == 0;
}

size_t FdtWriter::intern(std::string_view name) {
  // A name lies in front of the one that came before it, so the distances tell its length too, with its NUL.
  size_t before = adopted_;
  for (const uint32_t at : names_) {
    const bool as_long = at - before == name.size() + 1;
    if (as_long && std::memcmp(buffer_.last(at).data(), name.data(), name.size()) == 0) return at;
    before = at;
  }
  if (name.size() + 1 > buffer_.size() - strings_ - used_) {
    fail_with(FdtError::no_space);
    return 0;
  }
  strings_ += name.size() + 1;
  const auto place = buffer_.last(strings_);
  copy_text(place, name);
  place[name.size()] = std::byte{0};
  // One more than there is room for is merely stored again when it comes again.
  (void)names_.push_back(static_cast<uint32_t>(strings_));
  return strings_;
}

// They stand last of all, so that a property's name is as far from the end as it was in the source.
void FdtWriter::adopt_names(const Fdt& source) {
  const auto names = source.names();
  if (failed()) return;
  if (strings_ != 0) return fail_with(FdtError::misuse);
  if (names.size() > buffer_.size() - used_) return fail_with(FdtError::no_space);
  adopted_ = strings_ = names.size();
  std::ranges::copy(names, buffer_.last(strings_).begin());
}

std::span<std::byte> FdtWriter::open_property_at(size_t name, size_t size) {
  if (!properties_allowed_) fail_with(FdtError::misuse);
  const auto header = grow(property_header_size);
  if (header.empty()) return {};
  store_be32(header, static_cast<uint32_t>(FdtToken::Kind::property));
  store_be32(header.subspan(4), static_cast<uint32_t>(size));
  store_be32(header.subspan(8), static_cast<uint32_t>(name));
  return grow(size);
}

void FdtWriter::property(std::string_view name, std::span<const std::byte> value) {
  const auto place = open_property(name, value.size());
  if (!failed()) std::ranges::copy(value, place.begin());
}

void FdtWriter::cells(std::string_view name, std::span<const uint32_t> values) {
  auto place = open_property(name, values.size_bytes());
  if (failed()) return;
  for (const uint32_t value : values) {
    store_be32(place, value);
    place = place.subspan(sizeof(value));
  }
}

void FdtWriter::u64s(std::string_view name, std::span<const uint64_t> values) {
  auto place = open_property(name, values.size_bytes());
  if (failed()) return;
  for (const uint64_t value : values) {
    store_be64(place, value);
    place = place.subspan(sizeof(value));
  }
}

void FdtWriter::strings(std::string_view name, std::initializer_list<std::string_view> values) {
  size_t size = 0;
  for (const std::string_view value : values) size += value.size() + 1;
  auto place = open_property(name, size);
  if (failed()) return;
  for (const std::string_view value : values) {
    copy_text(place, value);
    place = place.subspan(value.size() + 1);
  }
}

// The format wants a name's offset from the start of their block.
void FdtWriter::turn_distances_into_offsets(size_t strings_size) {
  size_t at = structure_;
  while (at < used_) {
    const auto here = buffer_.subspan(at);
    switch (static_cast<FdtToken::Kind>(load_be32(here))) {
      case FdtToken::Kind::begin_node: {
        const size_t length = std::strlen(reinterpret_cast<const char*>(here.data()) + 4);
        at += align_up(4 + length + 1, 4);
        break;
      }
      case FdtToken::Kind::property:
        store_be32(here.subspan(8), static_cast<uint32_t>(strings_size - load_be32(here.subspan(8))));
        at += align_up(property_header_size + load_be32(here.subspan(4)), 4);
        break;
      default: at += 4;
    }
  }
}

Result<std::span<const std::byte>, FdtError> FdtWriter::finish() {
  if (!root_closed_) fail_with(FdtError::misuse);
  put_token(FdtToken::Kind::end);
  if (failed()) return fail(*error_);
  turn_distances_into_offsets(strings_);
  const size_t strings_at = used_;
  std::memmove(buffer_.data() + strings_at, buffer_.data() + buffer_.size() - strings_, strings_);
  const size_t total = strings_at + strings_;
  const std::array<size_t, 10> header{fdt_magic,          total,
                                      structure_,         strings_at,
                                      fdt_header_size,    format_version,
                                      compatible_version, boot_cpu_,
                                      strings_,           strings_at - structure_};
  for (size_t i = 0; i < header.size(); ++i) store_be32(buffer_.subspan(i * 4), static_cast<uint32_t>(header[i]));
  return std::span<const std::byte>(buffer_.first(total));
}

// ------------------------------------------------------------------------------------------------------------ copy

void FdtWriter::copy(const Fdt& source, FdtEdit& edit) {
  if (structure_ != 0) return fail_with(FdtError::misuse);
  boot_cpu_ = source.boot_cpu();
  adopt_names(source);
  for (size_t i = 0; i < source.reservation_count(); ++i) reserve(source.reservation(i));

  std::array<uint32_t, fdt_max_depth> open{};  // the nodes that have begun, the root first
  size_t depth = 0;
  bool in_properties = false;  // of the innermost
  const auto innermost = [&] { return FdtNode(source, open[depth - 1]); };
  const auto end_properties = [&] {
    if (in_properties) edit.add_properties(innermost(), *this);
    in_properties = false;
  };
  FdtToken at = source.token(source.root().offset());
  for (; at.kind != FdtToken::Kind::end && !failed(); at = source.token(at.next)) {
    switch (at.kind) {
      case FdtToken::Kind::begin_node: {
        end_properties();
        const FdtNode node(source, at.offset);
        if (!edit.keeps(node, depth)) {
          at.next = source.end_of_node(at);
          break;
        }
        begin_node(node.name());
        // Fdt::open() has seen that it is nested no deeper.
        open[depth++] = at.offset;
        in_properties = true;
        break;
      }
      case FdtToken::Kind::property: {
        const FdtProperty property = source.property(at);
        if (!edit.keeps(innermost(), property)) break;
        const auto place = open_property_at(adopted_ - source.name_offset(at), property.bytes().size());
        if (!failed()) std::ranges::copy(property.bytes(), place.begin());
        break;
      }
      default:
        end_properties();
        edit.add_children(innermost(), *this);
        end_node();
        --depth;
    }
  }
}

namespace {

// In as many cells as the parent asks for, the most significant first.
void write_reg(FdtWriter& writer, GuestPhysRange range, uint32_t address_cells, uint32_t size_cells) {
  // Hostile trees ask for more cells than any address has.
  constexpr uint32_t most_cells = 4;
  const auto fits = [](uint64_t value, uint32_t cells) { return cells >= 2 || (cells == 1 && value >> 32 == 0); };
  const bool sayable = fits(range.start.value(), address_cells) && fits(range.size, size_cells);
  if (!sayable || address_cells > most_cells || size_cells > most_cells) {
    return writer.fail_with(FdtError::narrow_cells);
  }
  std::array<uint32_t, size_t{2} * most_cells> cells{};
  const auto put = [&](size_t end, uint32_t width, uint64_t value) {
    for (uint32_t i = 0; i < width; ++i, value >>= 32) cells[end - 1 - i] = static_cast<uint32_t>(value);
  };
  put(address_cells, address_cells, range.start.value());
  put(address_cells + size_cells, size_cells, range.size);
  writer.cells("reg", std::span(cells).first(address_cells + size_cells));
}

void write_reserved(FdtWriter& writer, const FdtReserved& reserved, uint32_t address_cells, uint32_t size_cells) {
  writer.begin_node("region", reserved.range.start.value());
  write_reg(writer, reserved.range, address_cells, size_cells);
  if (reserved.no_map) writer.flag("no-map");
  writer.end_node();
}

class BootInfoEdit final : public FdtEdit {
 public:
  BootInfoEdit(const Fdt& source, const FdtBootInfo& info)
      : root_(source.root()),
        chosen_(root_.child("chosen")),
        reserved_(root_.child("reserved-memory")),
        info_(info) {}

  bool keeps(const FdtNode& node, size_t depth) override {
    // Nodes of the same name elsewhere in the tree are no memory of the machine.
    return depth != 1 || node.string("device_type") != "memory";
  }
  bool keeps(const FdtNode& node, const FdtProperty& property) override {
    if (node != chosen_) return true;
    const std::string_view name = property.name();
    return !(info_.bootargs && name == "bootargs") && name != "linux,initrd-start" && name != "linux,initrd-end" &&
           !(!info_.kaslr_seed.empty() && name == "kaslr-seed") && !(!info_.rng_seed.empty() && name == "rng-seed");
  }
  void add_properties(const FdtNode& node, FdtWriter& writer) override {
    if (node == chosen_) write_chosen(writer, info_);
  }
  void add_children(const FdtNode& node, FdtWriter& writer) override {
    if (node == reserved_) return add_reserved(node, writer);
    if (node != root_) return;
    if (!chosen_) {
      writer.begin_node("chosen");
      write_chosen(writer, info_);
      writer.end_node();
    }
    write_memory(writer, info_.memory, root_.address_cells(), root_.size_cells());
    if (!reserved_) write_reserved_memory(writer, info_.reserved);
  }

 private:
  // Two nodes of one name would be one too many: what the tree says of a place stands.
  void add_reserved(const FdtNode& parent, FdtWriter& writer) const {
    for (const FdtReserved& reserved : info_.reserved) {
      bool is_there = false;
      for (const FdtNode child : parent.children()) {
        const auto reg = child.bus_reg(0);
        is_there = is_there || (reg && reg->address == reserved.range.start.value());
      }
      if (!is_there) write_reserved(writer, reserved, parent.address_cells(), parent.size_cells());
    }
  }

  FdtNode root_;
  // The first node of that name among the root's children is the one that readers take.
  std::optional<FdtNode> chosen_;
  std::optional<FdtNode> reserved_;
  const FdtBootInfo& info_;
};

}  // namespace

void copy_with_boot_info(FdtWriter& writer, const Fdt& source, const FdtBootInfo& info) {
  BootInfoEdit edit(source, info);
  writer.copy(source, edit);
}

void write_chosen(FdtWriter& writer, const FdtBootInfo& info) {
  if (info.bootargs) writer.string("bootargs", *info.bootargs);
  if (!info.kaslr_seed.empty()) writer.property("kaslr-seed", info.kaslr_seed);
  if (!info.rng_seed.empty()) writer.property("rng-seed", info.rng_seed);
  if (!info.initrd) return;
  writer.u64("linux,initrd-start", info.initrd->start.value());
  writer.u64("linux,initrd-end", info.initrd->end().value());
}

void write_memory(FdtWriter& writer, std::span<const GuestPhysRange> memory, uint32_t address_cells,
                  uint32_t size_cells) {
  for (const GuestPhysRange range : memory) {
    writer.begin_node("memory", range.start.value());
    writer.string("device_type", "memory");
    write_reg(writer, range, address_cells, size_cells);
    writer.end_node();
  }
}

void write_reserved_memory(FdtWriter& writer, std::span<const FdtReserved> reserved) {
  if (reserved.empty()) return;
  writer.begin_node("reserved-memory");
  writer.u32("#address-cells", 2);
  writer.u32("#size-cells", 2);
  writer.flag("ranges");
  for (const FdtReserved& part : reserved) write_reserved(writer, part, 2, 2);
  writer.end_node();
}

}  // namespace hal
