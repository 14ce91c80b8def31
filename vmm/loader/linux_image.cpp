// SPDX-License-Identifier: Apache-2.0
#include "vmm/loader/linux_image.hpp"

#include "hal/base/bits.hpp"
#include "vmm/loader/efi_image.hpp"
#include "vmm/loader/little_endian.hpp"

namespace vmm {

namespace {

constexpr size_t magic_offset = 56;

// arm64: code0, code1, text_offset, image_size, flags, three reserved words, magic.
constexpr uint32_t arm64_magic = 0x644d'5241;  // "ARM\x64"
constexpr size_t arm64_text_offset = 8;
constexpr size_t arm64_image_size = 16;
constexpr size_t arm64_flags = 24;
using arm64_big_endian = hal::Field<0>;
// Kernels before 3.17 state no size, and an offset that cannot be relied on.
constexpr uint64_t arm64_old_text_offset = 0x8'0000;

// LoongArch: "MZ", entry, size, load offset. The magic only says that it is Linux in an EFI program, on any
// architecture: which one is in the PE header.
constexpr uint32_t efi_linux_magic = 0x8182'23cd;
constexpr size_t loongarch_entry = 8;
constexpr size_t loongarch_size = 16;
constexpr size_t loongarch_load_offset = 24;

}  // namespace

std::optional<LinuxImage> LinuxImage::parse(std::span<const std::byte> file) {
  if (file.size() < header_size) return std::nullopt;
  const auto magic = read_le<uint32_t>(file, magic_offset);
  if (magic == arm64_magic) {
    const auto size = read_le<uint64_t>(file, arm64_image_size);
    return LinuxImage{
        .isa = GuestIsa::aarch64,
        .text_offset = size != 0 ? read_le<uint64_t>(file, arm64_text_offset) : arm64_old_text_offset,
        .size = size,
        .entry_offset = 0,
        .big_endian = arm64_big_endian::is_set(read_le<uint64_t>(file, arm64_flags)),
    };
  }
  if (magic == efi_linux_magic && pe_machine(file) == pe_machine_loongarch64 && !is_efi_zboot(file)) {
    // Entry and load offset are addresses in the same terms, perhaps of a direct-mapped window.
    const auto load = read_le<uint64_t>(file, loongarch_load_offset);
    return LinuxImage{
        .isa = GuestIsa::loongarch64,
        .text_offset = load & loongarch_physical_mask,
        .size = read_le<uint64_t>(file, loongarch_size),
        .entry_offset = (read_le<uint64_t>(file, loongarch_entry) - load) & loongarch_physical_mask,
        .big_endian = false,
    };
  }
  return std::nullopt;
}

}  // namespace vmm
