// SPDX-License-Identifier: Apache-2.0
#include "tools/host/unpack.hpp"

#include <zstd.h>

#include <cstdio>
#include <memory>

#include "hal/base/address.hpp"
#include "tools/host/files.hpp"
#include "vmm/loader/compression.hpp"
#include "vmm/loader/efi_image.hpp"

namespace host {
namespace {

// No kernel is larger; a hostile file of a few bytes could be.
constexpr size_t most_unpacked = hal::gib;

bool refuse(std::string_view name, const char* why) {
  std::fprintf(stderr, "%.*s: unpacking zstd: %s\n", static_cast<int>(name.size()), name.data(), why);
  return false;
}

// The first frame (RFC 8878 section 3.1); whatever follows it is ignored.
bool unzstd(std::span<const std::byte> packed, std::string_view name, std::string& out) {
  const std::unique_ptr<ZSTD_DStream, size_t (*)(ZSTD_DStream*)> stream(ZSTD_createDStream(), ZSTD_freeDStream);
  if (stream == nullptr) return refuse(name, "out of memory");
  std::string chunk(ZSTD_DStreamOutSize(), '\0');
  ZSTD_inBuffer input{packed.data(), packed.size(), 0};
  for (size_t hint = 1; hint != 0;) {
    ZSTD_outBuffer output{chunk.data(), chunk.size(), 0};
    hint = ZSTD_decompressStream(stream.get(), &output, &input);
    if (ZSTD_isError(hint) != 0) return refuse(name, ZSTD_getErrorName(hint));
    if (hint != 0 && output.pos == 0 && input.pos == input.size) return refuse(name, "the file is cut off");
    out.append(chunk, 0, output.pos);
    if (out.size() > most_unpacked) return refuse(name, "it holds more than 1GiB");
  }
  return true;
}

}  // namespace

std::optional<std::string> unpack_kernel(std::string content, std::string_view name) {
  auto packed = bytes_of(content);
  if (vmm::is_efi_zboot(packed)) {
    const auto payload = vmm::zboot_payload(packed);
    // Whoever loads the file says what is wrong with it.
    if (!payload.ok()) return content;
    packed = *payload;
  }
  if (vmm::probe_compression(packed) != vmm::Compression::zstd) return content;
  std::string unpacked;
  if (!unzstd(packed, name, unpacked)) return {};
  return unpacked;
}

}  // namespace host
