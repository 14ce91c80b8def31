// SPDX-License-Identifier: Apache-2.0
#include "vmm/loader/error.hpp"

#include "hal/base/address.hpp"
#include "vmm/loader/compression.hpp"

namespace vmm {

void describe(hal::TextSink& sink, const LoadError& error) {
  using enum LoadError::Kind;
  const hal::GuestPhys place(error.wanted);
  const hal::Size wanted{error.wanted};
  const hal::Size limit{error.limit};
  switch (error.kind) {
    case empty_image: sink.put("the image is empty"); break;
    case not_this_format: sink.put("the image is not of the format that the VM file names"); break;
    case wrong_machine: sink.put("the image is for another processor architecture"); break;
    case not_code: sink.put("the image is neither a known format nor does it begin with an instruction"); break;
    case truncated: sink.put("the image is cut off"); break;
    case bad_header: sink.put("the numbers in the image's header contradict each other"); break;
    case bad_gzip_header: sink.put("the gzip header is damaged"); break;
    case bad_deflate: sink.put("the compressed data are damaged"); break;
    case idle_deflate: sink.put("the compressed data are a long row of empty blocks: pack the file again"); break;
    case bad_checksum: sink.put("the compressed data do not match their checksum"); break;
    case compressed_elf: sink.put("an ELF file inside gzip cannot be loaded: unpack it first"); break;
    case compressed_twice: sink.put("the image is compressed twice: unpack it once"); break;
    case other_compression: {
      const auto compression = static_cast<Compression>(error.wanted);
      hal::format(sink, "the image is compressed with {}: ", name(compression));
      sink.put(compression == Compression::zstd ? "`plinth pack` unpacks it into the bundle"
                                                : "unpack it first, or use gzip or zstd");
      break;
    }
    case efi_program: sink.put("the image is an EFI program without a kernel's header: it needs EFI firmware"); break;
    case misaligned_load:
      hal::format(sink, "the load address {} is not aligned to {} as the image asks for", place, limit);
      break;
    case kernel_outside_memory:
      hal::format(sink, "the image's {} at {} are not inside one region of the VM's memory", limit, place);
      break;
    case kernel_too_large:
      hal::format(sink, "the kernel needs {}, but only {} of the VM's memory are there for it", wanted, limit);
      break;
    case kernel_over_image:
      hal::format(sink, "the kernel at {} would overwrite the image of a memory region at {}", place,
                  hal::GuestPhys(error.limit));
      break;
    case initrd_too_large:
      hal::format(sink, "there is no room for the initrd of {} beside the kernel in {} of RAM", wanted, limit);
      break;
    case bad_device_tree: sink.put(name(static_cast<hal::FdtError>(error.wanted))); break;
    case fdt_too_large:
      hal::format(sink, "there is no room for the device tree of {} beside kernel and initrd in {} of RAM", wanted,
                  limit);
      break;
    case tables_too_large:
      hal::format(sink, "there is no room for the EFI tables of {} beside kernel and initrd in {} of RAM", wanted, limit);
      break;
    case segments_overlap:
      hal::format(sink, "the segments at {} and {} of the ELF file overlap", place, hal::GuestPhys(error.limit));
      break;
    case entry_outside_kernel: hal::format(sink, "the entry address {} is not inside the kernel", place); break;
    case misaligned_entry: hal::format(sink, "the entry address {} is no multiple of 4", place); break;
    case not_executable:
      hal::format(sink, "the guest may not execute its memory at the entry address {}: the region's `access` lacks x",
                  place);
      break;
    case region_too_small:
      hal::format(sink, "an image of {} does not fit into its region of {}", wanted, limit);
      break;
    case no_ram: sink.put("the VM has no RAM that it may read and write"); break;
    case abandoned: sink.put("the VM was ended meanwhile"); break;
    case memory_refused: hal::format(sink, "the VM's memory at {} cannot be written", place); break;
  }
}

}  // namespace vmm
