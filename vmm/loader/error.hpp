// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "hal/base/format.hpp"

namespace vmm {

// Why an image cannot be loaded. `wanted` and `limit` are the numbers that the message shows.
struct LoadError {
  enum class Kind : uint8_t {
    empty_image,
    not_this_format,        // the VM file names a format that the image does not have
    wrong_machine,          // an ELF or Image file for another architecture
    not_code,               // raw, but text or an undefined instruction is no way to begin
    truncated,              // ends before what its header announces: wanted, limit = bytes needed, bytes there
    bad_header,             // numbers in the header contradict each other
    bad_gzip_header,        // not a gzip member, or a reserved flag or method
    bad_deflate,            // the compressed stream breaks RFC 1951
    bad_checksum,           // CRC-32 or length in the gzip trailer do not match the data
    compressed_elf,         // an ELF file inside gzip: it must be unpacked first
    misaligned_load,        // `load` breaks the alignment that the format asks for: wanted = address, limit = alignment
    kernel_outside_memory,  // wanted = first address, limit = its size
    kernel_too_large,       // wanted = bytes needed, limit = bytes of the region from the load address on
    initrd_too_large,       // wanted = its size, limit = the RAM in total
    fdt_too_large,          // wanted = its size, limit = what there is room for
    tables_too_large,       // the EFI tables: wanted, limit as for fdt_too_large
    bad_device_tree,        // the VM's own device tree is damaged
    segments_overlap,       // two segments of the ELF file: wanted, limit = their addresses
    entry_outside_kernel,   // wanted = the entry address
    no_ram,                 // the VM has no region of kind ram
    memory_refused,         // GuestMemorySink could not take the bytes: wanted = the address
  };
  Kind kind;
  uint64_t wanted = 0;
  uint64_t limit = 0;

  friend constexpr bool operator==(LoadError, LoadError) = default;
};

// One sentence for the VM's owner, without a full stop: what is wrong, with the numbers, and what would help.
void describe(hal::TextSink& sink, const LoadError& error);

}  // namespace vmm
