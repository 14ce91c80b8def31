// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "hal/base/fdt.hpp"
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
    idle_deflate,           // block after block of the compressed stream yields nothing
    bad_checksum,           // CRC-32 or length in the gzip trailer do not match the data
    compressed_elf,         // an ELF file inside gzip: it must be unpacked first
    compressed_twice,       // what gzip or EFI zboot unpacks to is compressed again
    other_compression,      // not gzip: wanted = the Compression
    efi_program,            // for this architecture, but no kernel that has a header of its own
    misaligned_load,        // `load` breaks the alignment that the format asks for: wanted = address, limit = alignment
    kernel_outside_memory,  // wanted = first address, limit = its size
    kernel_too_large,       // wanted = bytes needed, limit = bytes of the region from the load address on
    kernel_over_image,      // there lies the image of a memory region: wanted, limit = first address of each
    initrd_too_large,       // wanted = its size, limit = the RAM in total
    fdt_too_large,          // wanted = its size, limit = what there is room for
    tables_too_large,       // the EFI tables: wanted, limit as for fdt_too_large
    bad_device_tree,        // the VM's own device tree is damaged, or no longer fits: wanted = the FdtError
    segments_overlap,       // two segments of the ELF file: wanted, limit = their addresses
    entry_outside_kernel,   // wanted = the entry address
    misaligned_entry,       // no instruction begins there: wanted = the entry address
    not_executable,         // the guest may not execute what is at the entry address: wanted
    region_too_small,       // for the image that is loaded into it: wanted = its size, limit = the region's
    no_ram,                 // the VM has no free RAM
    abandoned,              // GuestMemorySink wants no more: the VM ends
    memory_refused,         // GuestMemorySink could not take the bytes: wanted = the address
  };
  enum class Part : uint8_t { kernel, initrd, device_tree, region };

  Kind kind;
  uint64_t wanted = 0;
  uint64_t limit = 0;

  // Which of the files that a VM file names is to blame.
  [[nodiscard]] constexpr Part part() const {
    switch (kind) {
      case Kind::initrd_too_large: return Part::initrd;
      case Kind::fdt_too_large:
      case Kind::bad_device_tree: return Part::device_tree;
      case Kind::region_too_small: return Part::region;
      default: return Part::kernel;
    }
  }
  [[nodiscard]] static constexpr LoadError of(hal::FdtError error) {
    return {Kind::bad_device_tree, static_cast<uint64_t>(error)};
  }
  friend constexpr bool operator==(LoadError, LoadError) = default;
};

// One sentence for the VM's owner, without a full stop: what is wrong, with the numbers, and what would help.
void describe(hal::TextSink& sink, const LoadError& error);

}  // namespace vmm
