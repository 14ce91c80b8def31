// SPDX-License-Identifier: Apache-2.0
#include "vmm/loader/elf.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "vmm/loader/little_endian.hpp"

namespace vmm {

namespace {

using Kind = LoadError::Kind;

// Offsets in Elf64_Ehdr and Elf64_Phdr.
namespace ehdr {
constexpr size_t ident_class = 4;
constexpr size_t ident_data = 5;
constexpr size_t machine = 18;
constexpr size_t entry = 24;
constexpr size_t phoff = 32;
constexpr size_t phentsize = 54;
constexpr size_t phnum = 56;
constexpr size_t size = 64;
}  // namespace ehdr
namespace phdr {
constexpr size_t type = 0;
constexpr size_t offset = 8;
constexpr size_t vaddr = 16;
constexpr size_t paddr = 24;
constexpr size_t filesz = 32;
constexpr size_t memsz = 40;
constexpr size_t size = 56;
}  // namespace phdr

constexpr uint32_t elf_magic = 0x464c'457f;  // "\x7f" "ELF"
constexpr uint8_t class_64 = 2;
constexpr uint8_t data_little_endian = 1;
constexpr uint16_t machine_aarch64 = 183;
constexpr uint16_t machine_loongarch = 258;
constexpr uint32_t pt_load = 1;

constexpr hal::Failure<LoadError> failed(Kind kind, uint64_t wanted = 0, uint64_t limit = 0) {
  return hal::fail(LoadError{kind, wanted, limit});
}

uint64_t physical(uint64_t address, GuestIsa isa) {
  return isa == GuestIsa::loongarch64 ? address & loongarch_physical_mask : address;
}

hal::Result<void, LoadError> check_header(std::span<const std::byte> file, GuestIsa isa) {
  if (file.size() < ehdr::size) return failed(Kind::truncated, ehdr::size, file.size());
  const uint16_t expected = isa == GuestIsa::aarch64 ? machine_aarch64 : machine_loongarch;
  if (std::to_integer<uint8_t>(file[ehdr::ident_class]) != class_64 ||
      std::to_integer<uint8_t>(file[ehdr::ident_data]) != data_little_endian ||
      read_le<uint16_t>(file, ehdr::machine) != expected) {
    return failed(Kind::wrong_machine);
  }
  if (read_le<uint16_t>(file, ehdr::phentsize) != phdr::size) return failed(Kind::bad_header);
  return {};
}

// Nothing for a program header that loads nothing.
hal::Result<std::optional<ElfImage::Segment>, LoadError> read_segment(std::span<const std::byte> file,
                                                                      std::span<const std::byte> header, GuestIsa isa) {
  const auto memory_size = read_le<uint64_t>(header, phdr::memsz);
  if (read_le<uint32_t>(header, phdr::type) != pt_load || memory_size == 0) return std::optional<ElfImage::Segment>{};
  const auto offset = read_le<uint64_t>(header, phdr::offset);
  const auto file_size = read_le<uint64_t>(header, phdr::filesz);
  const hal::GuestPhys start(physical(read_le<uint64_t>(header, phdr::paddr), isa));
  if (file_size > memory_size || !hal::GuestPhysRange::fits(start, memory_size)) return failed(Kind::bad_header);
  if (offset > file.size() || file_size > file.size() - offset) {
    return failed(Kind::truncated, offset + file_size, file.size());
  }
  return std::optional(ElfImage::Segment{file.subspan(offset, file_size), {start, memory_size}});
}

}  // namespace

bool ElfImage::is_elf(std::span<const std::byte> file) {
  return file.size() >= 4 && read_le<uint32_t>(file, 0) == elf_magic;
}

hal::Result<ElfImage, LoadError> ElfImage::parse(std::span<const std::byte> file, GuestIsa isa) {
  TRY(check_header(file, isa));
  const auto table = read_le<uint64_t>(file, ehdr::phoff);
  const size_t count = read_le<uint16_t>(file, ehdr::phnum);
  if (table > file.size() || count * phdr::size > file.size() - table) {
    return failed(Kind::truncated, table + count * phdr::size, file.size());
  }

  ElfImage image;
  // Symbols are virtual addresses; a guest starts without translation.
  const auto virtual_entry = read_le<uint64_t>(file, ehdr::entry);
  std::optional<hal::GuestPhys> entry;
  for (size_t i = 0; i < count; ++i) {
    const auto header = file.subspan(table + i * phdr::size, phdr::size);
    const std::optional<Segment> segment = TRY(read_segment(file, header, isa));
    if (!segment) continue;
    for (const Segment& other : image.segments) {
      if (other.memory.overlaps(segment->memory)) {
        return failed(Kind::segments_overlap, other.memory.start.value(), segment->memory.start.value());
      }
    }
    if (!image.segments.push_back(*segment)) return failed(Kind::bad_header);
    const uint64_t into = virtual_entry - read_le<uint64_t>(header, phdr::vaddr);
    if (into < segment->memory.size) entry = segment->memory.start + into;
  }
  if (image.segments.empty()) return failed(Kind::bad_header);
  if (!entry) return failed(Kind::entry_outside_kernel, virtual_entry);
  image.entry = *entry;

  const auto start_of = [](const Segment& s) { return s.memory.start; };
  const auto end_of = [](const Segment& s) { return s.memory.end(); };
  const hal::GuestPhys low = start_of(*std::ranges::min_element(image.segments, {}, start_of));
  const hal::GuestPhys high = end_of(*std::ranges::max_element(image.segments, {}, end_of));
  image.extent = {low, high - low};
  return image;
}

void ElfImage::move_to(hal::GuestPhys start) {
  const uint64_t distance = start - extent.start;
  for (Segment& segment : segments) segment.memory.start += distance;
  entry += distance;
  extent.start = start;
}

}  // namespace vmm
