// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace vmm {

// What kernels are packed with. The hypervisor itself unpacks gzip; `plinth pack` unpacks zstd as well.
enum class Compression : uint8_t { gzip, zstd, xz, lzma, lz4, lzo, bzip2 };

[[nodiscard]] std::string_view name(Compression compression);
// By the magic number that `file` begins with.
[[nodiscard]] std::optional<Compression> probe_compression(std::span<const std::byte> file);

}  // namespace vmm
