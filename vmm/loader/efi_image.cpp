// SPDX-License-Identifier: Apache-2.0
#include "vmm/loader/efi_image.hpp"

#include "vmm/loader/little_endian.hpp"

namespace vmm {
namespace {

constexpr uint16_t mz_magic = 0x5a4d;
constexpr size_t mz_header_size = 64;
constexpr size_t pe_header_offset = 60;
constexpr uint32_t pe_magic = 0x4550;  // "PE\0\0"

constexpr size_t zboot_magic_offset = 4;
constexpr uint32_t zboot_magic = 0x676d'697a;  // "zimg"
constexpr size_t zboot_payload_offset = 8;
constexpr size_t zboot_payload_size = 12;

bool is_mz(std::span<const std::byte> file) {
  return file.size() >= mz_header_size && read_le<uint16_t>(file, 0) == mz_magic;
}

}  // namespace

std::optional<uint16_t> pe_machine(std::span<const std::byte> file) {
  if (!is_mz(file)) return std::nullopt;
  const size_t header = read_le<uint32_t>(file, pe_header_offset);
  if (header > file.size() || file.size() - header < 6 || read_le<uint32_t>(file, header) != pe_magic) {
    return std::nullopt;
  }
  return read_le<uint16_t>(file, header + 4);
}

bool is_efi_zboot(std::span<const std::byte> file) {
  return is_mz(file) && read_le<uint32_t>(file, zboot_magic_offset) == zboot_magic;
}

hal::Result<std::span<const std::byte>, LoadError> zboot_payload(std::span<const std::byte> file) {
  const size_t offset = read_le<uint32_t>(file, zboot_payload_offset);
  const size_t size = read_le<uint32_t>(file, zboot_payload_size);
  if (offset < mz_header_size || size == 0) return hal::fail(LoadError{LoadError::Kind::bad_header});
  if (offset > file.size() || size > file.size() - offset) {
    return hal::fail(LoadError{LoadError::Kind::truncated, offset + size, file.size()});
  }
  return file.subspan(offset, size);
}

}  // namespace vmm
