// SPDX-License-Identifier: Apache-2.0
// Going through a device tree, token by token. Whoever looks for something in it comes here for hundreds of them, and
// until the hypervisor knows its machine it does little else.
#include <algorithm>

#include "hal/base/big_endian.hpp"
#include "hal/base/fdt.hpp"

namespace hal {

// A property's token, length and name come before its value (section 5.4.1).
constexpr size_t property_header_size = 12;

using Kind = FdtToken::Kind;

// Subtracting borrows through the top bit of a byte that has it clear exactly if the byte is zero, or one below is.
constexpr bool has_zero_byte(uint32_t word) { return ((word - 0x0101'0101) & ~word & 0x8080'8080) != 0; }

uint32_t Fdt::word(size_t offset) const { return load_be32({structure_.data() + offset, 4}); }

// Everybody calls, and nobody is to have a copy. Sizes that are added to an offset were read from 32 bits, or are those
// of something inside the block.
[[gnu::noinline]] FdtToken Fdt::token(uint32_t offset) const {
  const size_t end = structure_.size();
  size_t next = offset;
  Kind kind = Kind::nop;
  for (; kind == Kind::nop; next += 4) {
    if (next + 4 > end) return {};
    kind = Kind{word(next)};
  }
  const size_t start = next - 4;
  switch (kind) {
    case Kind::property: {
      next = start + property_header_size;
      if (next > end) return {};
      const size_t length = word(start + 4);
      if (word(start + 8) >= strings_.size() || length > end - next) return {};
      // The block's size is a multiple of 4, so the padding is inside it too.
      next = align_up(next + length, 4);
      break;
    }
    case Kind::begin_node:
      // The name ends in the first word with a zero byte.
      do {
        if (next + 4 > end) return {};
        next += 4;
      } while (!has_zero_byte(word(next - 4)));
      break;
    case Kind::end_node:
    case Kind::end: break;
    default: return {};
  }
  return {kind, static_cast<uint32_t>(start), static_cast<uint32_t>(next)};
}

std::string_view Fdt::node_name(uint32_t node) const {
  if (node + 8 > structure_.size() || Kind{word(node)} != Kind::begin_node) return {};
  return reinterpret_cast<const char*>(structure_.data() + node + 4);
}

FdtProperty Fdt::property(FdtToken property) const {
  const std::byte* const value = structure_.data() + property.offset + property_header_size;
  return {reinterpret_cast<const char*>(strings_.data()) + word(property.offset + 8),
          {value, word(property.offset + 4)}};
}

bool Fdt::is_named(FdtToken property, std::string_view wanted) const {
  const size_t offset = word(property.offset + 8);
  const char* const name = reinterpret_cast<const char*>(strings_.data()) + offset;
  return strings_.size() - offset > wanted.size() && name[wanted.size()] == '\0' &&
         std::string_view(name, wanted.size()) == wanted;
}

const FdtIndexEntry* Fdt::entry(uint32_t node) const {
  const auto found = std::ranges::lower_bound(index_, node, {}, &FdtIndexEntry::node);
  return found != index_.end() && found->node == node ? &*found : nullptr;
}

uint32_t Fdt::end_of_node(FdtToken node) const {
  if (const FdtIndexEntry* const known = entry(node.offset)) return known->end;
  FdtToken at = node;
  for (size_t depth = 1; depth > 0 && at.kind != Kind::end;) {
    at = token(at.next);
    if (at.kind == Kind::begin_node) ++depth;
    if (at.kind == Kind::end_node) --depth;
  }
  return at.next;
}

FdtToken Fdt::next_node(FdtToken node) const {
  if (const FdtIndexEntry* const known = entry(node.offset)) {
    return known == &index_.back() ? FdtToken{} : token(known[1].node);
  }
  FdtToken at = node;
  do {
    at = token(at.next);
  } while (at.kind != Kind::begin_node && at.kind != Kind::end);
  return at;
}

std::optional<FdtProperty> Fdt::compatible_of(const FdtNode& node) const {
  const FdtIndexEntry* const known = entry(node.offset());
  if (known == nullptr) return node.property("compatible");
  if (known->compatible == 0) return {};
  return property(FdtToken{.kind = Kind::property, .offset = known->compatible});
}

Fdt::Lineage Fdt::lineage(const FdtNode& node) const {
  Lineage line;
  if (const FdtIndexEntry* known = entry(node.offset())) {
    for (const FdtIndexEntry* up = known; up != index_.data(); up = &index_[up->parent]) ++line.size;
    for (size_t depth = line.size++; depth > 0; --depth, known = &index_[known->parent]) line.offsets[depth] = known->node;
    line.offsets[0] = root_;
    return line;
  }
  for (FdtToken at = token(root_); at.kind != Kind::end; at = token(at.next)) {
    if (at.kind == Kind::begin_node) line.offsets[line.size++] = at.offset;
    if (at.kind == Kind::begin_node && at.offset == node.offset()) return line;
    if (at.kind == Kind::end_node) --line.size;
  }
  return {};
}

FdtPropertyIterator::FdtPropertyIterator(const Fdt& fdt, uint32_t offset) : fdt_(&fdt), at_(fdt.token(offset)) {}
FdtProperty FdtPropertyIterator::operator*() const { return fdt_->property(at_); }
FdtPropertyIterator& FdtPropertyIterator::operator++() { return at_ = fdt_->token(at_.next), *this; }

FdtChildIterator::FdtChildIterator(const Fdt& fdt, uint32_t offset) : fdt_(&fdt), at_(fdt.token(offset)) {
  while (at_.kind == Kind::property) at_ = fdt.token(at_.next);
}
FdtChildIterator& FdtChildIterator::operator++() { return at_ = fdt_->token(fdt_->end_of_node(at_)), *this; }

FdtNodeIterator::FdtNodeIterator(const Fdt& fdt, uint32_t offset) : fdt_(&fdt), at_(fdt.token(offset)) {}
FdtNodeIterator& FdtNodeIterator::operator++() { return at_ = fdt_->next_node(at_), *this; }

FdtStrings::Iterator::Iterator(std::string_view rest) : rest_(rest), length_(rest.find('\0')) {
  if (length_ == std::string_view::npos) *this = {};
}

FdtStrings::Iterator& FdtStrings::Iterator::operator++() { return *this = Iterator(rest_.substr(length_ + 1)); }

// Nothing is looked for behind a string that is the one.
bool FdtStrings::contains(std::string_view wanted) const {
  for (std::string_view rest = bytes_; rest.size() > wanted.size();) {
    if (rest[wanted.size()] == '\0' && rest.starts_with(wanted)) return true;
    const size_t end = rest.find('\0');
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  return false;
}

std::string_view FdtNode::name() const { return fdt_->node_name(offset_); }

std::optional<FdtNode> FdtNode::child(std::string_view wanted) const {
  const bool with_address = wanted.contains('@');
  for (const FdtNode node : children()) {
    const std::string_view name = node.name();
    if (!name.starts_with(wanted)) continue;
    if (name.size() == wanted.size() || (!with_address && name[wanted.size()] == '@')) return node;
  }
  return {};
}

std::optional<FdtProperty> FdtNode::property(std::string_view wanted) const {
  FdtToken at = fdt_->token(fdt_->token(offset_).next);
  for (; at.kind == Kind::property; at = fdt_->token(at.next)) {
    if (fdt_->is_named(at, wanted)) return fdt_->property(at);
  }
  return {};
}

std::optional<FdtNode> Fdt::find_compatible(std::string_view what) const {
  for (const FdtNode node : compatible(what)) return node;
  return {};
}

std::optional<FdtNode> Fdt::find_enabled(std::string_view what) const {
  for (const FdtNode node : compatible(what)) {
    if (node.is_enabled()) return node;
  }
  return {};
}

bool Fdt::is_phandle(FdtToken property) const {
  return is_named(property, "phandle") || is_named(property, "linux,phandle");
}

// Zero is nobody's.
std::optional<FdtNode> Fdt::find_phandle(uint32_t phandle) const {
  if (phandle == 0) return {};
  if (!index_.empty()) {
    const auto found = std::ranges::find(index_, phandle, &FdtIndexEntry::phandle);
    if (found == index_.end()) return {};
    return FdtNode(*this, found->node);
  }
  uint32_t node = root_, of_node = 0;
  for (FdtToken at = token(root_); at.kind != Kind::end; at = token(at.next)) {
    // Properties come before children, so a property is of the node that began last. Its first number counts.
    if (at.kind == Kind::begin_node) node = at.offset, of_node = 0;
    if (at.kind != Kind::property || of_node != 0 || !is_phandle(at)) continue;
    of_node = property(at).u32().value_or(0);
    if (of_node == phandle) return FdtNode(*this, node);
  }
  return {};
}

}  // namespace hal
