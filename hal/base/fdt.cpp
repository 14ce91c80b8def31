// SPDX-License-Identifier: Apache-2.0
#include "hal/base/fdt.hpp"

#include <algorithm>
#include <cstring>

#include "hal/base/big_endian.hpp"

namespace hal {
namespace {

// Field offsets of the header (section 5.2).
enum HeaderField : size_t {
  magic = 0,
  totalsize = 4,
  off_dt_struct = 8,
  off_dt_strings = 12,
  off_mem_rsvmap = 16,
  version = 20,
  last_comp_version = 24,
  boot_cpuid_phys = 28,
  size_dt_strings = 32,
  size_dt_struct = 36,
};
constexpr uint32_t format_version = 17;
constexpr size_t reservation_size = 16;

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// `bytes` up to and including the last NUL, so that every string that starts inside also ends inside.
std::span<const std::byte> terminated_part(std::span<const std::byte> bytes) {
  const size_t last = as_text(bytes).rfind('\0');
  return bytes.first(last == std::string_view::npos ? 0 : last + 1);
}

}  // namespace

std::string_view name(FdtError error) {
  switch (error) {
    case FdtError::truncated: return "device tree is cut off";
    case FdtError::bad_magic: return "not a device tree (bad magic)";
    case FdtError::bad_version: return "device tree version is not supported";
    case FdtError::bad_layout: return "device tree header is damaged";
    case FdtError::bad_structure: return "device tree structure is damaged";
    case FdtError::too_deep: return "device tree is nested too deeply";
    case FdtError::narrow_cells:
      return "the VM's RAM does not fit the root's #address-cells and #size-cells: use two of each";
    case FdtError::no_space: return "no space for the device tree";
    case FdtError::misuse: return "device tree written in the wrong order";
  }
  return "unknown device tree error";
}

// ---------------------------------------------------------------------------------------------------------- values

uint32_t FdtCells::operator[](size_t index) const { return load_be32(bytes_.subspan(index * 4, 4)); }

std::optional<uint64_t> FdtCells::number(size_t index, size_t count) const {
  if (count > size() || index > size() - count) return {};
  uint64_t value = 0;
  for (size_t i = 0; i < count; ++i) {
    if (value >> 32 != 0) return {};
    value = value << 32 | (*this)[index + i];
  }
  return value;
}

FdtCells FdtCells::slice(size_t index, size_t count) const {
  if (count > size() || index > size() - count) return {};
  return FdtCells(bytes_.subspan(index * 4, count * 4));
}

std::optional<uint32_t> FdtProperty::u32() const {
  if (value_.size() != 4) return {};
  return load_be32(value_);
}

std::optional<uint64_t> FdtProperty::u64() const {
  if (value_.size() != 8) return {};
  return load_be64(value_);
}

std::optional<uint64_t> FdtProperty::u32_or_u64() const {
  if (const auto narrow = u32()) return *narrow;
  return u64();
}

std::optional<std::string_view> FdtProperty::string() const {
  const FdtStrings all = strings();
  if (all.begin() == all.end()) return {};
  return *all.begin();
}

FdtStrings FdtProperty::strings() const { return FdtStrings(as_text(value_)); }

// ------------------------------------------------------------------------------------------------------------ node

std::string_view FdtNode::base_name() const {
  const std::string_view full = name();
  return full.substr(0, full.find('@'));
}

std::string_view FdtNode::unit_address() const {
  const std::string_view full = name();
  const size_t at = full.find('@');
  return at == std::string_view::npos ? std::string_view() : full.substr(at + 1);
}

FdtRange<FdtPropertyIterator> FdtNode::properties() const {
  return FdtRange(FdtPropertyIterator(*fdt_, fdt_->token(offset_).next));
}

FdtRange<FdtChildIterator> FdtNode::children() const {
  return FdtRange(FdtChildIterator(*fdt_, fdt_->token(offset_).next));
}

std::optional<FdtNode> FdtNode::parent() const {
  const Fdt::Lineage line = fdt_->lineage(*this);
  if (line.size < 2) return {};
  return FdtNode(*fdt_, line.offsets[line.size - 2]);
}

std::optional<uint32_t> FdtNode::u32(std::string_view wanted) const {
  const auto found = property(wanted);
  return found ? found->u32() : std::nullopt;
}

std::optional<std::string_view> FdtNode::string(std::string_view wanted) const {
  const auto found = property(wanted);
  return found ? found->string() : std::nullopt;
}

bool FdtNode::is_compatible(std::string_view with) const {
  const auto found = fdt_->compatible_of(*this);
  return found && found->strings().contains(with);
}

bool FdtNode::is_enabled() const {
  const auto status = property("status");
  if (!status) return true;
  const auto text = status->string();
  return text == "okay" || text == "ok";
}

std::optional<uint32_t> FdtNode::phandle() const {
  const auto found = u32("phandle");
  return found ? found : u32("linux,phandle");
}

uint32_t FdtNode::address_cells() const { return u32("#address-cells").value_or(2); }
uint32_t FdtNode::size_cells() const { return u32("#size-cells").value_or(1); }

namespace {

std::optional<FdtNode::BusRange> bus_entry(const FdtNode& node, const FdtNode& bus, size_t index) {
  const auto found = node.property("reg");
  if (!found) return {};
  const size_t address_cells = bus.address_cells();
  const size_t size_cells = bus.size_cells();
  const size_t entry_cells = address_cells + size_cells;
  const FdtCells cells = found->cells();
  if (entry_cells == 0 || index >= cells.size() / entry_cells) return {};
  const auto address = cells.number(index * entry_cells, address_cells);
  const auto size = cells.number(index * entry_cells + address_cells, size_cells);
  if (!address || !size) return {};
  return FdtNode::BusRange{*address, *size};
}

// `range`, given in the addresses of `bus`, in those of its parent (section 2.3.8). A bus without `ranges` is not
// mapped; empty `ranges` mean that the addresses are the same.
std::optional<FdtNode::BusRange> translate(FdtNode::BusRange range, const FdtNode& bus, const FdtNode& parent) {
  const auto found = bus.property("ranges");
  if (!found) return {};
  if (found->bytes().empty()) return range;
  const size_t child_cells = bus.address_cells();
  const size_t parent_cells = parent.address_cells();
  const size_t size_cells = bus.size_cells();
  const size_t entry_cells = child_cells + parent_cells + size_cells;
  const FdtCells cells = found->cells();
  for (size_t at = 0; entry_cells <= cells.size() && at <= cells.size() - entry_cells; at += entry_cells) {
    const auto from = cells.number(at, child_cells);
    const auto to = cells.number(at + child_cells, parent_cells);
    const auto size = cells.number(at + child_cells + parent_cells, size_cells);
    if (!from || !to || !size) continue;
    const uint64_t offset = range.address - *from;
    if (range.address < *from || range.size > *size || offset > *size - range.size) continue;
    return FdtNode::BusRange{*to + offset, range.size};
  }
  return {};
}

}  // namespace

std::optional<FdtNode::BusRange> FdtNode::bus_reg(size_t index) const {
  const auto bus = parent();
  if (!bus) return {};
  return bus_entry(*this, *bus, index);
}

std::optional<HostPhysRange> FdtNode::reg(size_t index) const {
  const Fdt::Lineage line = fdt_->lineage(*this);
  if (line.size < 2) return {};
  const auto ancestor = [&](size_t depth) { return FdtNode(*fdt_, line.offsets[depth]); };
  auto range = bus_entry(*this, ancestor(line.size - 2), index);
  for (size_t depth = line.size - 2; range && depth > 0; --depth) {
    range = translate(*range, ancestor(depth), ancestor(depth - 1));
  }
  if (!range || !HostPhysRange::fits(HostPhys(range->address), range->size)) return {};
  return HostPhysRange{HostPhys(range->address), range->size};
}

std::optional<FdtNode> FdtNode::interrupt_parent() const {
  std::optional<FdtNode> node = *this;
  // A tree may send us in circles; no honest one has so many steps.
  for (size_t steps = 0; node && steps < 2 * fdt_max_depth; ++steps) {
    const auto reference = node->u32("interrupt-parent");
    node = reference ? fdt_->find_phandle(*reference) : node->parent();
    if (node && node->has("#interrupt-cells")) return node;
  }
  return {};
}

namespace {

std::optional<FdtInterrupt> extended_interrupt(const Fdt& fdt, FdtCells cells, size_t index) {
  for (size_t at = 0; at < cells.size();) {
    const auto controller = fdt.find_phandle(cells[at]);
    const auto width = controller ? controller->u32("#interrupt-cells") : std::nullopt;
    if (!width || *width > cells.size() - at - 1) return {};
    if (index-- == 0) return FdtInterrupt{*controller, cells.slice(at + 1, *width)};
    at += 1 + *width;
  }
  return {};
}

}  // namespace

std::optional<FdtInterrupt> FdtNode::interrupt(size_t index) const {
  if (const auto extended = property("interrupts-extended")) {
    return extended_interrupt(*fdt_, extended->cells(), index);
  }
  const auto plain = property("interrupts");
  const auto controller = plain ? interrupt_parent() : std::nullopt;
  const auto width = controller ? controller->u32("#interrupt-cells") : std::nullopt;
  if (!width || *width == 0 || index >= plain->cells().size() / *width) return {};
  return FdtInterrupt{*controller, plain->cells().slice(index * *width, *width)};
}

// ------------------------------------------------------------------------------------------------------------ tree

Result<size_t, FdtError> Fdt::total_size(std::span<const std::byte> header) {
  if (header.size() < fdt_header_size) return fail(FdtError::truncated);
  if (load_be32(header.subspan(magic)) != fdt_magic) return fail(FdtError::bad_magic);
  const size_t size = load_be32(header.subspan(totalsize));
  if (size < fdt_header_size) return fail(FdtError::bad_layout);
  return size;
}

Result<Fdt, FdtError> Fdt::open(std::span<const std::byte> blob, std::span<FdtIndexEntry> room) {
  const size_t size = TRY(total_size(blob));
  if (size > blob.size()) return fail(FdtError::truncated);
  Fdt fdt;
  fdt.blob_ = blob.first(size);
  TRY(fdt.locate_blocks());
  TRY(fdt.check_structure(room));
  return fdt;
}

Result<void, FdtError> Fdt::locate_blocks() {
  const auto field = [&](size_t at) -> size_t { return load_be32(blob_.subspan(at)); };
  if (field(version) < format_version || field(last_comp_version) > format_version) return fail(FdtError::bad_version);
  const auto inside = [&](size_t start, size_t size) {
    return start >= fdt_header_size && start <= blob_.size() && size <= blob_.size() - start;
  };
  const size_t structure = field(off_dt_struct);
  const size_t strings = field(off_dt_strings);
  const size_t reserved = field(off_mem_rsvmap);
  if (!inside(structure, field(size_dt_struct)) || structure % 4 != 0 || field(size_dt_struct) % 4 != 0 ||
      !inside(strings, field(size_dt_strings)) || !inside(reserved, reservation_size) || reserved % 8 != 0) {
    return fail(FdtError::bad_layout);
  }
  structure_ = blob_.subspan(structure, field(size_dt_struct));
  strings_ = terminated_part(blob_.subspan(strings, field(size_dt_strings)));
  boot_cpu_ = static_cast<uint32_t>(field(boot_cpuid_phys));

  size_t end = reserved;
  for (;; end += reservation_size) {
    if (!inside(end, reservation_size)) return fail(FdtError::bad_layout);
    if (load_be64(blob_.subspan(end)) == 0 && load_be64(blob_.subspan(end + 8)) == 0) break;
  }
  reservations_ = blob_.subspan(reserved, end - reserved);
  return {};
}

namespace {

// Writes the index while a tree is walked; its depth has been checked.
class Indexer {
 public:
  explicit Indexer(std::span<FdtIndexEntry> room) : room_(room) {}

  void begin_node(uint32_t offset) {
    const uint32_t parent = depth_ == 0 ? 0 : open_[depth_ - 1];
    if (count_ < room_.size()) room_[count_] = {.node = offset, .end = 0, .parent = parent, .phandle = 0, .compatible = 0};
    open_[depth_++] = count_++;
  }
  void property(const Fdt& fdt, FdtToken at) {
    FdtIndexEntry* const node = innermost();
    if (node == nullptr) return;
    if (node->compatible == 0 && fdt.is_named(at, "compatible")) node->compatible = at.offset;
    if (node->phandle == 0 && fdt.is_phandle(at)) node->phandle = fdt.property(at).u32().value_or(0);
  }
  void end_node(uint32_t behind) {
    FdtIndexEntry* const node = innermost();
    if (node != nullptr) node->end = behind;
    --depth_;
  }

  [[nodiscard]] std::span<const FdtIndexEntry> made() const {
    return count_ <= room_.size() ? room_.first(count_) : std::span<FdtIndexEntry>();
  }

 private:
  FdtIndexEntry* innermost() {
    const uint32_t number = open_[depth_ - 1];
    return number < room_.size() ? &room_[number] : nullptr;
  }

  std::span<FdtIndexEntry> room_;
  uint32_t count_ = 0;
  std::array<uint32_t, fdt_max_depth> open_;  // the numbers of a node's ancestors, and its own
  size_t depth_ = 0;
};

}  // namespace

// Section 5.4.2: one root node; in every node properties come first, then children.
Result<void, FdtError> Fdt::check_structure(std::span<FdtIndexEntry> room) {
  using Kind = FdtToken::Kind;
  FdtToken at = token(0);
  if (at.kind != Kind::begin_node) return fail(FdtError::bad_structure);
  root_ = at.offset;
  Indexer indexer(room);
  indexer.begin_node(root_);
  size_t depth = 1;
  bool properties_allowed = true;
  while (depth > 0) {
    at = token(at.next);
    switch (at.kind) {
      case Kind::begin_node:
        if (node_name(at.offset).empty()) return fail(FdtError::bad_structure);
        if (++depth > fdt_max_depth) return fail(FdtError::too_deep);
        indexer.begin_node(at.offset);
        properties_allowed = true;
        break;
      case Kind::end_node:
        --depth;
        indexer.end_node(at.next);
        properties_allowed = false;
        break;
      case Kind::property:
        if (!properties_allowed) return fail(FdtError::bad_structure);
        indexer.property(*this, at);
        break;
      default: return fail(FdtError::bad_structure);
    }
  }
  at = token(at.next);
  if (at.kind != Kind::end || at.next == 0) return fail(FdtError::bad_structure);
  index_ = indexer.made();
  return {};
}

std::optional<FdtNode> Fdt::find(std::string_view path) const {
  std::optional<FdtNode> node = root();
  if (!path.starts_with('/')) {
    const std::string_view alias = path.substr(0, path.find('/'));
    const auto aliases = root().child("aliases");
    const auto target = aliases ? aliases->string(alias) : std::nullopt;
    if (!target || !target->starts_with('/')) return {};
    node = find(*target);
    path.remove_prefix(alias.size());
  }
  while (node) {
    path.remove_prefix(std::min(path.find_first_not_of('/'), path.size()));
    if (path.empty()) break;
    const std::string_view component = path.substr(0, path.find('/'));
    node = node->child(component);
    path.remove_prefix(component.size());
  }
  return node;
}

HostPhysRange Fdt::reservation(size_t index) const {
  const auto entry = reservations_.subspan(index * reservation_size, reservation_size);
  const HostPhysRange range{HostPhys(load_be64(entry)), load_be64(entry.subspan(8))};
  return HostPhysRange::fits(range.start, range.size) ? range : HostPhysRange{range.start, 0 - range.start.value() - 1};
}

FdtChosen read_chosen(const Fdt& fdt) {
  FdtChosen result;
  const auto chosen = fdt.root().child("chosen");
  if (!chosen) return result;
  result.node = chosen;
  result.bootargs = chosen->string("bootargs").value_or("");

  const auto path = chosen->string("stdout-path");
  const std::string_view console = path ? *path : chosen->string("linux,stdout-path").value_or("");
  const size_t colon = console.find(':');
  if (!console.empty()) result.console = fdt.find(console.substr(0, colon));
  if (colon != std::string_view::npos) result.console_options = console.substr(colon + 1);

  const auto start_property = chosen->property("linux,initrd-start");
  const auto end_property = chosen->property("linux,initrd-end");
  const auto start = start_property ? start_property->u32_or_u64() : std::nullopt;
  const auto end = end_property ? end_property->u32_or_u64() : std::nullopt;
  if (start && end && *end > *start) result.initrd = HostPhysRange{HostPhys(*start), *end - *start};
  return result;
}

}  // namespace hal
