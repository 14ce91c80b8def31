// SPDX-License-Identifier: Apache-2.0
#include "vmm/loader/image.hpp"

#include <algorithm>
#include <array>
#include <bit>

#include "vmm/loader/compression.hpp"
#include "vmm/loader/efi_image.hpp"
#include "vmm/loader/elf.hpp"
#include "vmm/loader/linux_image.hpp"
#include "vmm/loader/little_endian.hpp"
#include "vmm/loader/placement.hpp"

namespace vmm {

namespace {

using config::ImageFormat;
using Kind = LoadError::Kind;

constexpr hal::Failure<LoadError> failed(Kind kind, uint64_t wanted = 0, uint64_t limit = 0) {
  return hal::fail(LoadError{kind, wanted, limit});
}

// QEMU's -kernel: a raw image starts here from the RAM base, an Image keeps clear of the first page. LoongArch's
// -kernel takes no raw image; ours goes where Linux does, above the tables.
constexpr uint64_t raw_offset = 512 * hal::kib;
constexpr uint64_t loongarch_raw_offset = 2 * hal::mib;
constexpr uint64_t loongarch_fdt_offset = 1 * hal::mib;
constexpr uint64_t lowest_text_offset = hal::page_size;
// And where its initrd goes, unless the RAM is smaller than twice that.
constexpr uint64_t initrd_offset = 128 * hal::mib;

// Keeps the first bytes of what is unpacked.
class HeadOutput final : public InflateOutput {
 public:
  hal::Result<More, LoadError> put(std::span<const std::byte> bytes) override {
    size_ = std::min(bytes.size(), storage_.size());
    std::ranges::copy(bytes.first(size_), storage_.begin());
    return More::no;
  }
  [[nodiscard]] std::span<const std::byte> head() const { return std::span(storage_).first(size_); }

 private:
  std::array<std::byte, LinuxImage::head_size> storage_{};
  size_t size_ = 0;
};

// What is to be placed: the kernel as it will be in memory, as far as it is known before it is unpacked.
struct Kernel {
  ImageFormat format = ImageFormat::raw;
  bool compressed = false;
  std::span<const std::byte> head;  // at least the header
  std::span<const std::byte> file;  // all of it, or the gzip file that it is in

  // Bytes of contents. RFC 1952: the last word of a gzip file is the length of what is in it, modulo 2^32.
  [[nodiscard]] uint64_t size() const {
    if (!compressed) return file.size();
    return file.size() < 4 ? 0 : read_le<uint32_t>(file, file.size() - 4);
  }
};

constexpr uint16_t pe_machine_of(GuestIsa isa) {
  return isa == GuestIsa::aarch64 ? pe_machine_aarch64 : pe_machine_loongarch64;
}

// The file, or the kernel in it where it is an EFI zboot image.
hal::Result<std::span<const std::byte>, LoadError> without_zboot(const LoadRequest& request) {
  const bool asked_for = request.format == ImageFormat::detect || request.format == ImageFormat::gzip;
  if (!asked_for || !is_efi_zboot(request.kernel)) return request.kernel;
  const auto machine = pe_machine(request.kernel);
  if (machine && *machine != pe_machine_of(request.isa)) return failed(Kind::wrong_machine);
  return zboot_payload(request.kernel);
}

// A file that is taken as raw only because it has none of our formats: is it one that would not run?
hal::Result<void, LoadError> check_unknown(std::span<const std::byte> head, GuestIsa isa) {
  if (const auto compression = probe_compression(head)) {
    return failed(Kind::other_compression, static_cast<uint64_t>(*compression));
  }
  if (const auto machine = pe_machine(head)) {
    return failed(*machine == pe_machine_of(isa) ? Kind::efi_program : Kind::wrong_machine);
  }
  return {};
}

hal::Result<Kernel, LoadError> recognise(const LoadRequest& request, Inflater& scratch, HeadOutput& head,
                                         LoadProgress* progress) {
  if (request.kernel.empty()) return failed(Kind::empty_image);
  const std::span<const std::byte> file = TRY(without_zboot(request));
  const ImageFormat found = probe_image(file);
  const ImageFormat wanted = request.format == ImageFormat::detect ? found : request.format;
  if (wanted == ImageFormat::raw) {
    if (request.format == ImageFormat::detect) TRY(check_unknown(file, request.isa));
    return Kernel{ImageFormat::raw, false, file, file};
  }
  if (wanted != found) return failed(Kind::not_this_format);
  if (wanted != ImageFormat::gzip) return Kernel{wanted, false, file, file};

  TRY(scratch.gunzip(file, head, progress));
  const ImageFormat inner = probe_image(head.head());
  if (inner == ImageFormat::elf) return failed(Kind::compressed_elf);
  if (probe_compression(head.head()) || is_efi_zboot(head.head())) return failed(Kind::compressed_twice);
  if (inner == ImageFormat::raw) TRY(check_unknown(head.head(), request.isa));
  return Kernel{inner, true, head.head(), file};
}

// Text and words that no A64 processor executes (C4.1: op0 = 0000, 0001, 0011) are what a wrong file begins with.
bool looks_like_code(std::span<const std::byte> head, GuestIsa isa) {
  const auto is_text = [](std::byte b) { return (b >= std::byte{' '} && b <= std::byte{'~'}) || b == std::byte{'\n'}; };
  if (head.size() < 4 || std::ranges::all_of(head.first(std::min<size_t>(head.size(), 16)), is_text)) return false;
  const auto first = read_le<uint32_t>(head, 0);
  if (isa != GuestIsa::aarch64) return first != 0;
  const uint32_t op0 = (first >> 25) & 0xf;
  return op0 != 0 && op0 != 1 && op0 != 3;
}

hal::Result<void, LoadError> plan_region_images(const LoadRequest& request, GuestLayout& layout, LoadPlan& plan) {
  const size_t count = std::min(request.regions.size(), request.region_images.size());
  for (size_t i = 0; i < count; ++i) {
    const hal::GuestPhysRange& region = request.regions[i].range;
    const uint64_t size = request.region_images[i].size();
    if (size == 0) continue;
    if (size > region.size) return failed(Kind::region_too_small, size, region.size);
    const hal::GuestPhysRange pages{region.start, hal::align_up(size, hal::page_size)};
    // As many as there can be regions.
    if (!plan.region_images.push_back(pages)) break;
    layout.occupy(pages);
  }
  return {};
}

hal::Result<void, LoadError> plan_linux_image(const LoadRequest& request, const Kernel& kernel,
                                              const GuestLayout& layout, LoadPlan& plan) {
  const auto image = LinuxImage::parse(kernel.head);
  if (!image) return failed(Kind::not_this_format);
  if (image->isa != request.isa) return failed(Kind::wrong_machine);
  // A compressed kernel's own word about its size is the better one: whatever follows it in the file is not it.
  const uint64_t contents = kernel.compressed && image->size != 0 ? 0 : kernel.size();
  const uint64_t size = std::max(image->size, contents);
  plan.big_endian = image->big_endian;
  if (request.load) {
    if ((request.load->value() - image->text_offset) % LinuxImage::placement != 0) {
      return failed(Kind::misaligned_load, request.load->value(), LinuxImage::placement);
    }
    plan.kernel = TRY(layout.claim(*request.load, size));
  } else {
    const hal::GuestPhys base = layout.ram_base().align_up(LinuxImage::placement);
    const bool too_low = image->isa == GuestIsa::aarch64 && image->text_offset < lowest_text_offset;
    plan.kernel = TRY(layout.claim_first(
        std::array{base + image->text_offset + (too_low ? LinuxImage::placement : 0), base + image->text_offset},
        size));
  }
  plan.entry = plan.kernel.start + image->entry_offset;
  return {};
}

hal::Result<void, LoadError> plan_elf(const LoadRequest& request, const Kernel& kernel, const GuestLayout& layout,
                                      LoadPlan& plan) {
  ElfImage image = TRY(ElfImage::parse(kernel.file, request.isa));
  if (request.load) {
    if (!hal::GuestPhysRange::fits(*request.load, image.extent.size)) {
      return failed(Kind::kernel_outside_memory, request.load->value(), image.extent.size);
    }
    image.move_to(*request.load);
  }
  for (const ElfImage::Segment& segment : image.segments) TRY(layout.claim(segment.memory.start, segment.memory.size));
  plan.kernel = image.extent;
  plan.entry = image.entry;
  return {};
}

hal::Result<void, LoadError> plan_raw(const LoadRequest& request, const Kernel& kernel, const GuestLayout& layout,
                                      LoadPlan& plan) {
  if (!looks_like_code(kernel.head, request.isa)) return failed(Kind::not_code);
  const uint64_t offset = request.isa == GuestIsa::loongarch64 ? loongarch_raw_offset : raw_offset;
  plan.kernel = TRY(layout.claim(request.load.value_or(layout.ram_base() + offset), kernel.size()));
  plan.entry = plan.kernel.start;
  return {};
}

hal::Result<void, LoadError> plan_kernel(const LoadRequest& request, const Kernel& kernel, const GuestLayout& layout,
                                         LoadPlan& plan) {
  plan.format = kernel.format;
  plan.compressed = kernel.compressed;
  plan.file = kernel.file;
  switch (kernel.format) {
    case ImageFormat::linux_image: TRY(plan_linux_image(request, kernel, layout, plan)); break;
    case ImageFormat::elf: TRY(plan_elf(request, kernel, layout, plan)); break;
    default: TRY(plan_raw(request, kernel, layout, plan)); break;
  }
  if (request.entry) plan.entry = *request.entry;
  if (!plan.kernel.contains(plan.entry)) return failed(Kind::entry_outside_kernel, plan.entry.value());
  // Instructions of both architectures are words.
  if (plan.entry.value() % 4 != 0) return failed(Kind::misaligned_entry, plan.entry.value());
  for (const config::MemoryRegion& region : request.regions) {
    if (region.range.contains(plan.entry) && !region.access.execute) {
      return failed(Kind::not_executable, plan.entry.value());
    }
  }
  return {};
}

hal::Result<void, LoadError> plan_initrd(const LoadRequest& request, GuestLayout& layout, LoadPlan& plan) {
  const uint64_t offset = std::min(layout.ram_size() / 2, initrd_offset);
  const hal::GuestPhys wanted = std::max(layout.ram_base() + offset, layout.ram_limit(plan.kernel.end()));
  plan.initrd.start = wanted;
  if (request.initrd.empty()) return {};
  const auto place = layout.place(request.initrd.size(), hal::page_size, wanted);
  if (!place) return failed(Kind::initrd_too_large, request.initrd.size(), layout.ram_size());
  plan.initrd = *place;
  layout.occupy(*place);
  return {};
}

hal::Result<void, LoadError> plan_tables(const LoadRequest& request, GuestLayout& layout, LoadPlan& plan) {
  if (request.isa != GuestIsa::loongarch64) return {};
  const auto place = layout.place(request.tables_capacity, hal::page_size, layout.ram_base());
  if (!place) return failed(Kind::tables_too_large, request.tables_capacity, layout.ram_size());
  plan.tables = *place;
  layout.occupy(*place);
  return {};
}

// Where the device tree goes if it can, and its alignment there.
struct Wanted {
  hal::GuestPhys place;
  uint64_t alignment;
};

// booting.rst of arm64 asks for at most 2 MiB that cross no 2 MiB boundary. Firmware and bare-metal programs look for
// the tree at the start of RAM.
Wanted wanted_fdt(const LoadRequest& request, const GuestLayout& layout, const LoadPlan& plan, uint64_t least) {
  if (request.isa == GuestIsa::loongarch64) return {layout.ram_base() + loongarch_fdt_offset, least};
  const bool at_ram_base = plan.format == ImageFormat::elf || !layout.is_ram(plan.entry);
  if (at_ram_base) return {layout.ram_base(), least};
  return {plan.initrd.end(), LinuxImage::placement};
}

hal::Result<void, LoadError> plan_fdt(const LoadRequest& request, const GuestLayout& layout, LoadPlan& plan) {
  const uint64_t size = request.fdt_capacity;
  std::optional<hal::GuestPhysRange> place;
  if (size <= LinuxImage::placement) {
    const uint64_t least = std::max(hal::page_size, std::bit_ceil(size));
    const Wanted wanted = wanted_fdt(request, layout, plan, least);
    place = layout.place(size, wanted.alignment, wanted.place);
    if (!place) place = layout.place(size, least, wanted.place);
  }
  if (!place) return failed(Kind::fdt_too_large, size, layout.ram_size());
  plan.fdt = *place;
  return {};
}

// Copies what is unpacked to consecutive addresses, up to the end of the range that was planned.
class MemoryOutput final : public InflateOutput {
 public:
  MemoryOutput(GuestMemorySink& memory, hal::GuestPhysRange range) : memory_(memory), left_(range) {}
  hal::Result<More, LoadError> put(std::span<const std::byte> bytes) override {
    if (bytes.size() > left_.size) return failed(Kind::kernel_too_large, bytes.size(), left_.size);
    TRY(memory_.write(left_.start, bytes));
    left_ = {left_.start + bytes.size(), left_.size - bytes.size()};
    return More::yes;
  }

 private:
  GuestMemorySink& memory_;
  hal::GuestPhysRange left_;
};

hal::Result<void, LoadError> copy(GuestMemorySink& memory, hal::GuestPhys to, std::span<const std::byte> bytes,
                                  LoadProgress& progress) {
  while (!bytes.empty()) {
    const auto slice = bytes.first(std::min(bytes.size(), LoadProgress::slice));
    TRY(memory.write(to, slice));
    progress.step();
    to += slice.size();
    bytes = bytes.subspan(slice.size());
  }
  return {};
}

hal::Result<void, LoadError> load_elf(const LoadRequest& request, const LoadPlan& plan, GuestMemorySink& memory,
                                      LoadProgress& progress) {
  ElfImage image = TRY(ElfImage::parse(plan.file, request.isa));
  image.move_to(plan.kernel.start);
  for (const ElfImage::Segment& segment : image.segments) {
    TRY(copy(memory, segment.memory.start, segment.contents, progress));
    const uint64_t size = segment.contents.size();
    if (segment.memory.size > size) TRY(memory.zero({segment.memory.start + size, segment.memory.size - size}));
  }
  return {};
}

}  // namespace

ImageFormat probe_image(std::span<const std::byte> file) {
  if (is_gzip(file)) return ImageFormat::gzip;
  if (ElfImage::is_elf(file)) return ImageFormat::elf;
  if (LinuxImage::parse(file)) return ImageFormat::linux_image;
  return ImageFormat::raw;
}

hal::Result<LoadPlan, LoadError> plan_load(const LoadRequest& request, Inflater& scratch, LoadProgress* progress) {
  HeadOutput head;
  const Kernel kernel = TRY(recognise(request, scratch, head, progress));
  GuestLayout layout(request.regions);
  if (!layout.has_ram()) return failed(Kind::no_ram);
  LoadPlan plan;
  TRY(plan_region_images(request, layout, plan));
  TRY(plan_kernel(request, kernel, layout, plan));
  layout.occupy(plan.kernel);
  TRY(plan_initrd(request, layout, plan));
  TRY(plan_tables(request, layout, plan));
  TRY(plan_fdt(request, layout, plan));
  if (request.initrd.empty()) plan.initrd = {};
  return plan;
}

hal::Result<void, LoadError> load_images(const LoadRequest& request, const LoadPlan& plan, GuestMemorySink& memory,
                                         LoadProgress& progress, Inflater& scratch) {
  const size_t images = std::min(request.regions.size(), request.region_images.size());
  for (size_t i = 0; i < images; ++i) {
    TRY(copy(memory, request.regions[i].range.start, request.region_images[i], progress));
  }
  if (plan.compressed) {
    MemoryOutput output(memory, plan.kernel);
    TRY(scratch.gunzip(plan.file, output, &progress));
  } else if (plan.format == ImageFormat::elf) {
    TRY(load_elf(request, plan, memory, progress));
  } else {
    TRY(copy(memory, plan.kernel.start, plan.file, progress));
  }
  return copy(memory, plan.initrd.start, request.initrd, progress);
}

}  // namespace vmm
