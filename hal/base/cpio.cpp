// SPDX-License-Identifier: Apache-2.0
#include "hal/base/cpio.hpp"

#include <algorithm>
#include <cstring>

#include "hal/base/address.hpp"

namespace hal {
namespace {

constexpr std::string_view magic = "070701";
constexpr std::string_view magic_with_checksum = "070702";
constexpr std::string_view trailer = "TRAILER!!!";

// The header's fields behind the magic, each of 8 digits.
enum Field : size_t {
  inode,
  mode,
  uid,
  gid,
  links,
  mtime,
  file_size,
  device_major,
  device_minor,
  special_major,
  special_minor,
  name_size,
  checksum,
  field_count,
};
constexpr size_t digits = 8;
constexpr size_t header_size = magic.size() + field_count * digits;
static_assert(header_size == 110, "cpio(5): \"The header is followed by the pathname\" at offset 110");

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::optional<uint32_t> read_field(std::string_view header, Field field) {
  uint32_t value = 0;
  for (const char c : header.substr(magic.size() + field * digits, digits)) {
    const char lower = static_cast<char>(c | 0x20);
    uint32_t digit = 0;
    if (c >= '0' && c <= '9') {
      digit = static_cast<uint32_t>(c - '0');
    } else if (lower >= 'a' && lower <= 'f') {
      digit = static_cast<uint32_t>(lower - 'a' + 10);
    } else {
      return {};
    }
    value = value << 4 | digit;
  }
  return value;
}

// One entry at the start of `rest`, and where the next one begins.
struct Parsed {
  CpioEntry entry;
  size_t next;
  bool is_trailer;
};

bool has_magic(std::string_view text) { return text.starts_with(magic) || text.starts_with(magic_with_checksum); }

Result<Parsed, CpioError> parse(std::span<const std::byte> rest) {
  const std::string_view text = as_text(rest);
  if (text.size() < header_size) return fail(CpioError::truncated);
  if (!has_magic(text)) return fail(CpioError::bad_header);
  const auto name_length = read_field(text, name_size);
  const auto data_length = read_field(text, file_size);
  const auto file_mode = read_field(text, mode);
  if (!name_length || !data_length || !file_mode) return fail(CpioError::bad_header);

  // 64-bit sums of 32-bit fields cannot wrap.
  const size_t name_end = header_size + *name_length;
  const size_t data_start = align_up(name_end, 4);
  const size_t data_end = data_start + *data_length;
  if (*name_length < 2) return fail(CpioError::bad_name);
  if (data_end > rest.size()) return fail(CpioError::truncated);
  if (text[name_end - 1] != '\0') return fail(CpioError::bad_name);
  // Some writers align the data by more than one NUL behind the name.
  std::string_view entry_name = text.substr(header_size, text.find('\0', header_size) - header_size);
  if (entry_name.empty()) return fail(CpioError::bad_name);
  const bool is_trailer = entry_name == trailer;
  if (entry_name.starts_with("./") && entry_name != "./") entry_name.remove_prefix(2);
  // The last entry's padding may be missing.
  const size_t next = std::min<size_t>(align_up(data_end, 4), rest.size());
  return Parsed{{entry_name, *file_mode, rest.subspan(data_start, *data_length)}, next, is_trailer};
}

}  // namespace

std::string_view name(CpioError error) {
  switch (error) {
    case CpioError::not_an_archive: return "not a newc cpio archive";
    case CpioError::truncated: return "archive is cut off";
    case CpioError::bad_header: return "archive has a damaged header";
    case CpioError::bad_name: return "archive has a damaged file name";
    case CpioError::no_space: return "no space for the archive";
  }
  return "unknown archive error";
}

Result<Cpio, CpioError> Cpio::open(std::span<const std::byte> bytes) {
  if (!has_magic(as_text(bytes))) return fail(CpioError::not_an_archive);
  for (size_t at = 0;;) {
    const Parsed parsed = TRY(parse(bytes.subspan(at)));
    at += parsed.next;
    if (parsed.is_trailer) return Cpio(bytes.first(at));
  }
}

Cpio::Iterator::Iterator(std::span<const std::byte> rest) {
  const auto parsed = parse(rest);
  if (!parsed.ok() || parsed->is_trailer) return;
  entry_ = parsed->entry;
  rest_ = rest.subspan(parsed->next);
}

std::optional<CpioEntry> Cpio::find(std::string_view wanted) const {
  std::optional<CpioEntry> found;
  for (const CpioEntry& entry : *this) {
    if (entry.is_file() && entry.name == wanted) found = entry;
  }
  return found;
}

// --------------------------------------------------------------------------------------------------------- writing

size_t CpioWriter::size_of(std::string_view name, size_t data_size) {
  return align_up(align_up(header_size + name.size() + 1, 4) + data_size, 4);
}

size_t CpioWriter::trailer_size() { return size_of(trailer, 0); }

void CpioWriter::entry(std::string_view name, uint32_t file_mode, std::span<const std::byte> data) {
  if (error_) return;
  if (name.empty() || name.contains('\0')) {
    error_ = CpioError::bad_name;
    return;
  }
  const size_t size = size_of(name, data.size());
  if (size > buffer_.size() - used_ || data.size() > UINT32_MAX || name.size() >= UINT32_MAX) {
    error_ = CpioError::no_space;
    return;
  }
  const auto place = buffer_.subspan(used_, size);
  std::ranges::fill(place.first(size_of(name, 0)), std::byte{0});
  char* out = std::ranges::copy(magic, reinterpret_cast<char*>(place.data())).out;
  const bool is_trailer = name == trailer;
  for (size_t field = 0; field < field_count; ++field) {
    uint32_t value = 0;
    switch (field) {
      case inode: value = is_trailer ? 0 : ++entries_; break;
      case mode: value = file_mode; break;
      case links: value = 1; break;
      case file_size: value = static_cast<uint32_t>(data.size()); break;
      case name_size: value = static_cast<uint32_t>(name.size() + 1); break;
      default: break;
    }
    for (size_t digit = 0; digit < digits; ++digit, value <<= 4) *out++ = "0123456789ABCDEF"[value >> 28];
  }
  std::ranges::copy(name, out);
  const auto body = place.subspan(size_of(name, 0));
  const auto behind = std::ranges::copy(data, body.begin()).out;
  std::fill(behind, body.end(), std::byte{0});
  used_ += size;
}

Result<std::span<const std::byte>, CpioError> CpioWriter::finish() {
  entry(trailer, 0, {});
  if (error_) return fail(*error_);
  return std::span<const std::byte>(buffer_.first(used_));
}

}  // namespace hal
