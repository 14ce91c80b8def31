// SPDX-License-Identifier: Apache-2.0
#include "vmm/loader/compression.hpp"

#include <algorithm>
#include <array>

namespace vmm {
namespace {

using namespace std::string_view_literals;

struct Method {
  Compression compression;
  std::string_view name;
  std::string_view magic;
};
constexpr std::array methods{
    Method{Compression::gzip, "gzip", "\x1f\x8b"sv},
    Method{Compression::zstd, "zstd", "\x28\xb5\x2f\xfd"sv},    // RFC 8878 section 3.1.1
    Method{Compression::xz, "xz", "\xfd" "7zXZ\0"sv},           // the .xz file format, section 2.1.1.1
    Method{Compression::lzma, "lzma", "\x5d\0\0"sv},            // properties of every common encoder, a whole dictionary
    Method{Compression::lz4, "lz4", "\x04\x22\x4d\x18"sv},      // frame format
    Method{Compression::lz4, "lz4", "\x02\x21\x4c\x18"sv},      // legacy frame, as Linux's build makes it
    Method{Compression::lzo, "lzo", "\x89" "LZO\0\r\n\x1a\n"sv},
    Method{Compression::bzip2, "bzip2", "BZh"sv},
};

}  // namespace

std::string_view name(Compression compression) {
  const auto found = std::ranges::find(methods, compression, &Method::compression);
  return found == methods.end() ? "?" : found->name;
}

std::optional<Compression> probe_compression(std::span<const std::byte> file) {
  const std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  const auto found = std::ranges::find_if(methods, [&](const Method& method) { return text.starts_with(method.magic); });
  if (found == methods.end()) return std::nullopt;
  return found->compression;
}

}  // namespace vmm
