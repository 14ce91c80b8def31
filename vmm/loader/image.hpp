// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "config/vm_config.hpp"
#include "hal/base/address.hpp"
#include "hal/base/fixed.hpp"
#include "hal/base/result.hpp"
#include "vmm/loader/error.hpp"
#include "vmm/loader/guest_memory.hpp"
#include "vmm/loader/inflate.hpp"

// From files to a guest's memory, in two steps. plan_load() decides where everything goes and finds every error that
// can be found without unpacking; it touches no guest memory, so `plinth check` runs it as well. load_images() then
// copies.
//
// Where things go (RAM base B, what QEMU's `virt` board does with -kernel and -initrd):
//
//     B                    firmware's device tree (kernel in ROM, ELF that leaves room)
//     B + 512 KiB          raw kernel
//     B + text_offset      Linux Image (2 MiB higher when text_offset is 0)
//     B + min(RAM/2, 128M) initrd, or just above the kernel when that reaches higher
//     next 2 MiB boundary  device tree of Linux Images and raw kernels
//
// On LoongArch, as QEMU's `virt` board has it:
//
//     B                    EFI tables and command line
//     B + 1 MiB            device tree
//     B + text_offset      Linux Image (raw kernel: B + 2 MiB)
//     B + min(RAM/2, 128M) initrd, or just above the kernel when that reaches higher
//
// Whatever does not fit there goes to the lowest place where it does.
namespace vmm {

enum class GuestIsa : uint8_t { aarch64, loongarch64 };

// LoongArch files name places as the kernel sees them, in a direct-mapped window; these are the bits of the place.
inline constexpr uint64_t loongarch_physical_mask = 0xffff'ffff'ffff;

// What a file is, by its own magic numbers; whatever has none is raw. Never `detect`. An EFI zboot image is what it
// holds: ask for that.
[[nodiscard]] config::ImageFormat probe_image(std::span<const std::byte> file);

struct LoadRequest {
  GuestIsa isa = GuestIsa::aarch64;
  std::span<const std::byte> kernel;
  std::span<const std::byte> initrd;  // empty: none
  config::ImageFormat format = config::ImageFormat::detect;
  std::optional<hal::GuestPhys> load;   // default: where the format wants it
  std::optional<hal::GuestPhys> entry;  // default: what the format says
  // The VM's memory, ascending and disjoint, as config::memory_map() gives it.
  std::span<const config::MemoryRegion> regions;
  // What is loaded at the start of each, in their order; empty: nothing. Shorter than `regions`: nothing for the rest.
  std::span<const std::span<const std::byte>> region_images;
  // Room to keep for the device tree; the tree itself is built when the plan is known.
  uint64_t fdt_capacity = 64 * hal::kib;
  // LoongArch: room for vmm/loader/efi_tables.hpp with the longest command line.
  uint64_t tables_capacity = 4 * hal::kib;
};

struct LoadPlan {
  config::ImageFormat format = config::ImageFormat::raw;  // linux_image, elf or raw
  bool compressed = false;
  std::span<const std::byte> file;  // of the request's kernel: what is copied, or unpacked
  bool big_endian = false;     // the Image header says so; for the log
  hal::GuestPhysRange kernel;  // everything it occupies, memory it zeroes itself included
  hal::FixedVector<hal::GuestPhysRange, config::max_memory_regions> region_images;  // whole pages, ascending
  hal::GuestPhysRange initrd;  // empty: none
  hal::GuestPhysRange fdt;     // size: the capacity asked for
  hal::GuestPhysRange tables;  // LoongArch: where the EFI tables go; empty where the kernel gets the tree's address
  hal::GuestPhys entry;
};

// `scratch` is used to look into a compressed kernel, at most as far as its first 32 KiB unpacked; `progress` is called
// meanwhile. Itself it blocks, allocates and logs nothing.
[[nodiscard]] hal::Result<LoadPlan, LoadError> plan_load(const LoadRequest& request, Inflater& scratch,
                                                         LoadProgress* progress = nullptr);

// Copy the regions' images, kernel and initrd (not the device tree) to where `plan`, made from the same request, says. RAM is zero before.
[[nodiscard]] hal::Result<void, LoadError> load_images(const LoadRequest& request, const LoadPlan& plan,
                                                       GuestMemorySink& memory, LoadProgress& progress,
                                                       Inflater& scratch);

}  // namespace vmm
