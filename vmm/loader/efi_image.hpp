// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "hal/base/result.hpp"
#include "vmm/loader/error.hpp"

// Kernels as EFI programs: what their PE headers say, and the EFI zboot format, a small EFI program that carries a
// compressed kernel:
//
//     +---------------------------------+-----------+---------------------------+--------
//     | "MZ" "zimg" offset size  method | PE header | compressed kernel         | ...
//     +---------------------------------+-----------+---------------------------+--------
//       0    4      8      12    24       [60]        offset, of size bytes
namespace vmm {

inline constexpr uint16_t pe_machine_aarch64 = 0xaa64;
inline constexpr uint16_t pe_machine_loongarch64 = 0x6264;

// The Machine field of the PE header (PE format, "COFF File Header"). Nothing where there is no such header in `file`.
[[nodiscard]] std::optional<uint16_t> pe_machine(std::span<const std::byte> file);

// Linux: drivers/firmware/efi/libstub/zboot-header.S.
[[nodiscard]] bool is_efi_zboot(std::span<const std::byte> file);
// The compressed kernel inside. `file` is_efi_zboot().
[[nodiscard]] hal::Result<std::span<const std::byte>, LoadError> zboot_payload(std::span<const std::byte> file);

}  // namespace vmm
