// SPDX-License-Identifier: Apache-2.0
#include "vmm/loader/image.hpp"

#include <gtest/gtest.h>
#include <zlib.h>

#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <vector>

#include "hal/base/format.hpp"
#include "vmm/loader/compression.hpp"
#include "vmm/loader/efi_image.hpp"
#include "vmm/loader/placement.hpp"

namespace {

using config::ImageFormat;
using hal::GuestPhys;
using hal::GuestPhysRange;
using hal::kib;
using hal::mib;
using vmm::LoadError;
using vmm::LoadPlan;
using vmm::LoadRequest;
using Kind = vmm::LoadError::Kind;
using Bytes = std::vector<std::byte>;

constexpr uint64_t ram = 0x4000'0000;

template <class T>
void poke(Bytes& bytes, size_t offset, T value) {
  std::memcpy(bytes.data() + offset, &value, sizeof value);
}

Bytes code(size_t size) {
  Bytes bytes(size);
  std::mt19937 random(1);
  for (size_t i = 0; i + 4 <= size; i += 4) poke(bytes, i, static_cast<uint32_t>(random() | 0x1000'0000));
  if (size >= 4) poke(bytes, 0, uint32_t{0x1400'0010});  // b
  return bytes;
}

Bytes arm64_image(size_t file_size, uint64_t image_size, uint64_t text_offset = 0, uint64_t flags = 0xa) {
  Bytes image = code(file_size);
  poke(image, 8, text_offset);
  poke(image, 16, image_size);
  poke(image, 24, flags);
  poke(image, 56, uint32_t{0x644d'5241});
  return image;
}

// Entry and load offset are addresses in the cached window in older kernels, physical ones in newer.
Bytes loongarch_image(size_t file_size, uint64_t image_size, uint64_t entry, uint64_t load) {
  Bytes image(file_size);
  poke(image, 0, uint16_t{0x5a4d});
  poke(image, 8, entry);
  poke(image, 16, image_size);
  poke(image, 24, load);
  poke(image, 56, uint32_t{0x8182'23cd});
  poke(image, 60, uint32_t{64});
  poke(image, 64, uint32_t{0x4550});
  poke(image, 68, vmm::pe_machine_loongarch64);
  return image;
}

struct Segment {
  uint64_t vaddr, paddr, file_size, memory_size;
};

Bytes elf(const std::vector<Segment>& segments, uint64_t entry, uint16_t machine = 183) {
  Bytes file(64 + segments.size() * 56);
  poke(file, 0, uint32_t{0x464c'457f});
  poke(file, 4, uint8_t{2});
  poke(file, 5, uint8_t{1});
  poke(file, 18, machine);
  poke(file, 24, entry);
  poke(file, 32, uint64_t{64});
  poke(file, 54, uint16_t{56});
  poke(file, 56, static_cast<uint16_t>(segments.size()));
  for (size_t i = 0; i < segments.size(); ++i) {
    const size_t at = 64 + i * 56;
    poke(file, at, uint32_t{1});
    poke(file, at + 8, uint64_t{file.size()});
    poke(file, at + 16, segments[i].vaddr);
    poke(file, at + 24, segments[i].paddr);
    poke(file, at + 32, segments[i].file_size);
    poke(file, at + 40, segments[i].memory_size);
    for (uint64_t b = 0; b < segments[i].file_size; ++b) file.push_back(static_cast<std::byte>(i + b));
  }
  return file;
}

Bytes gzip(const Bytes& data) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  Bytes packed(deflateBound(&stream, data.size()) + 32);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(data.data()));
  stream.avail_in = static_cast<uInt>(data.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

// An EFI program for `machine`, with Linux's magic at byte 56.
Bytes efi_program(uint16_t machine, size_t size = 256) {
  Bytes file = code(size);
  poke(file, 0, uint32_t{0x5a4d});
  poke(file, 56, uint32_t{0x8182'23cd});
  poke(file, 60, uint32_t{64});
  poke(file, 64, uint32_t{0x4550});
  poke(file, 68, machine);
  return file;
}

Bytes zboot(const Bytes& payload, uint16_t machine = vmm::pe_machine_aarch64) {
  Bytes file = efi_program(machine);
  poke(file, 4, uint32_t{0x676d'697a});
  poke(file, 8, static_cast<uint32_t>(file.size()));
  poke(file, 12, static_cast<uint32_t>(payload.size()));
  file.insert(file.end(), payload.begin(), payload.end());
  file.resize(file.size() + 100, std::byte{0x55});
  return file;
}

config::MemoryRegion region(uint64_t start, uint64_t size, config::RegionKind kind = config::RegionKind::ram) {
  config::MemoryRegion region;
  region.range = {GuestPhys(start), size};
  region.kind = kind;
  return region;
}

// Remembers every byte, and refuses what is outside the regions.
class FakeMemory final : public vmm::GuestMemorySink {
 public:
  explicit FakeMemory(std::span<const config::MemoryRegion> regions) : regions_(regions) {}
  hal::Result<void, LoadError> write(GuestPhys place, std::span<const std::byte> bytes) override {
    if (!inside({place, bytes.size()})) return hal::fail(LoadError{Kind::memory_refused, place.value()});
    for (size_t i = 0; i < bytes.size(); ++i) bytes_[place.value() + i] = bytes[i];
    return {};
  }
  hal::Result<void, LoadError> zero(GuestPhysRange range) override {
    if (!inside(range)) return hal::fail(LoadError{Kind::memory_refused, range.start.value()});
    zeroed.push_back(range);
    return {};
  }
  [[nodiscard]] Bytes read(GuestPhysRange range) const {
    Bytes bytes;
    for (uint64_t i = 0; i < range.size; ++i) {
      const auto found = bytes_.find(range.start.value() + i);
      bytes.push_back(found == bytes_.end() ? std::byte{0} : found->second);
    }
    return bytes;
  }

  std::vector<GuestPhysRange> zeroed;

 private:
  [[nodiscard]] bool inside(GuestPhysRange range) const {
    return std::ranges::any_of(regions_, [&](const auto& region) { return region.range.contains(range); });
  }
  std::span<const config::MemoryRegion> regions_;
  std::map<uint64_t, std::byte> bytes_;
};

class NoProgress final : public vmm::LoadProgress {
 public:
  void step() override {}
};

class Loader : public testing::Test {
 protected:
  // `kernel` outlives the request.
  LoadRequest request(const Bytes& kernel, ImageFormat format = ImageFormat::detect) {
    LoadRequest request;
    request.kernel = kernel;
    request.format = format;
    request.regions = regions;
    return request;
  }
  LoadPlan plan(const LoadRequest& request) {
    const auto result = vmm::plan_load(request, *scratch);
    EXPECT_TRUE(result.ok());
    return result.ok() ? *result : LoadPlan{};
  }
  void expect_error(const LoadRequest& request, LoadError error) {
    const auto result = vmm::plan_load(request, *scratch);
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().kind, error.kind) << static_cast<int>(result.error().kind);
    EXPECT_EQ(result.error().wanted, error.wanted);
    EXPECT_EQ(result.error().limit, error.limit);
  }
  void expect_kind(const LoadRequest& request, Kind kind) {
    const auto result = vmm::plan_load(request, *scratch);
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().kind, kind) << static_cast<int>(result.error().kind);
  }

  std::unique_ptr<vmm::Inflater> scratch = std::make_unique<vmm::Inflater>();
  std::vector<config::MemoryRegion> regions{region(ram, 256 * mib)};
  NoProgress progress;
};

TEST_F(Loader, recognises_files_by_their_magic) {
  EXPECT_EQ(vmm::probe_image(arm64_image(64, 64)), ImageFormat::linux_image);
  EXPECT_EQ(vmm::probe_image(elf({}, 0)), ImageFormat::elf);
  EXPECT_EQ(vmm::probe_image(gzip(code(10))), ImageFormat::gzip);
  EXPECT_EQ(vmm::probe_image(code(100)), ImageFormat::raw);
  EXPECT_EQ(vmm::probe_image({}), ImageFormat::raw);
}

TEST_F(Loader, places_linux_as_qemu_does) {
  const Bytes kernel = arm64_image(3 * mib, 5 * mib);
  const Bytes initrd(1 * mib + 5);
  LoadRequest r = request(kernel);
  r.initrd = initrd;
  const LoadPlan p = plan(r);
  EXPECT_EQ(p.format, ImageFormat::linux_image);
  EXPECT_EQ(p.kernel, (GuestPhysRange{GuestPhys(ram + 2 * mib), 5 * mib}));
  EXPECT_EQ(p.entry, p.kernel.start);
  EXPECT_EQ(p.initrd, (GuestPhysRange{GuestPhys(ram + 128 * mib), initrd.size()}));
  EXPECT_EQ(p.fdt, (GuestPhysRange{GuestPhys(ram + 130 * mib), 64 * kib}));
  EXPECT_FALSE(p.big_endian);
}

TEST_F(Loader, honours_text_offset_and_size_of_the_header) {
  EXPECT_EQ(plan(request(arm64_image(4 * kib, 1 * mib, 0x8'0000))).kernel.start, GuestPhys(ram + 0x8'0000));
  const LoadPlan old = plan(request(arm64_image(4 * kib, 0, 0x1234)));
  EXPECT_EQ(old.kernel, (GuestPhysRange{GuestPhys(ram + 0x8'0000), 4 * kib}))
      << "a kernel without a size states no offset either";
  EXPECT_TRUE(plan(request(arm64_image(4 * kib, 1 * mib, 0, 1))).big_endian);
}

TEST_F(Loader, uses_the_lowest_place_when_ram_is_small) {
  regions = {region(ram, 8 * mib)};
  const Bytes kernel = arm64_image(1 * mib, 7 * mib);
  const LoadPlan p = plan(request(kernel));
  EXPECT_EQ(p.kernel.start, GuestPhys(ram));
  EXPECT_EQ(p.fdt.start, GuestPhys(ram + 7 * mib)) << "no 2 MiB boundary is free, but 64 KiB cross none either";
}

TEST_F(Loader, starts_raw_images_where_qemu_does) {
  const Bytes kernel = code(1000);
  const LoadPlan p = plan(request(kernel));
  EXPECT_EQ(p.format, ImageFormat::raw);
  EXPECT_EQ(p.kernel, (GuestPhysRange{GuestPhys(ram + 512 * kib), 1000}));
  EXPECT_EQ(p.entry, p.kernel.start);
  EXPECT_EQ(p.fdt.start, GuestPhys(ram + 128 * mib));
  LoadRequest moved = request(kernel);
  moved.load = GuestPhys(ram + 0x100);
  moved.entry = GuestPhys(ram + 0x140);
  EXPECT_EQ(plan(moved).kernel.start, GuestPhys(ram + 0x100));
  EXPECT_EQ(plan(moved).entry, GuestPhys(ram + 0x140));
}

TEST_F(Loader, gives_firmware_in_rom_its_device_tree_at_the_start_of_ram) {
  regions = {region(0, 2 * mib, config::RegionKind::rom), region(ram, 128 * mib)};
  const Bytes firmware = code(971'304);
  LoadRequest r = request(firmware, ImageFormat::raw);
  r.load = GuestPhys(0);
  const LoadPlan p = plan(r);
  EXPECT_EQ(p.kernel.start, GuestPhys(0));
  EXPECT_EQ(p.entry, GuestPhys(0));
  EXPECT_EQ(p.fdt.start, GuestPhys(ram));
}

TEST_F(Loader, keeps_clear_of_what_is_loaded_into_regions) {
  regions = {region(0, 2 * mib, config::RegionKind::rom), region(ram, 128 * mib)};
  const Bytes firmware = code(4 * kib);
  const Bytes data(1 * mib + 1, std::byte{0x5a});
  const std::span<const std::byte> images[] = {{}, data};
  LoadRequest r = request(firmware, ImageFormat::raw);
  r.load = GuestPhys(0);
  r.region_images = images;
  const LoadPlan p = plan(r);
  ASSERT_EQ(p.region_images.size(), 1U);
  EXPECT_EQ(p.region_images[0], (GuestPhysRange{GuestPhys(ram), 1 * mib + 4 * kib}));
  EXPECT_EQ(p.fdt.start, GuestPhys(ram + 1 * mib + 64 * kib)) << "the start of RAM is taken";
  FakeMemory memory(regions);
  ASSERT_TRUE(vmm::load_images(r, p, memory, progress, *scratch).ok());
  EXPECT_EQ(memory.read({GuestPhys(ram), data.size()}), data);
  EXPECT_EQ(memory.read(p.kernel), firmware);
}

TEST_F(Loader, refuses_a_kernel_in_the_place_of_a_regions_image) {
  const Bytes data(1 * mib);
  const std::span<const std::byte> images[] = {data};
  const Bytes kernel = code(4 * kib);
  LoadRequest r = request(kernel);
  r.region_images = images;
  expect_error(r, {Kind::kernel_over_image, ram + 512 * kib, ram});
  r.load = GuestPhys(ram + 1 * mib);
  EXPECT_EQ(plan(r).kernel.start, GuestPhys(ram + 1 * mib));
  const Bytes linux_image = arm64_image(4 * kib, 1 * mib);
  r.kernel = linux_image;
  r.load = {};
  EXPECT_EQ(plan(r).kernel.start, GuestPhys(ram + 2 * mib));
  regions = {region(ram, 512 * kib)};
  r.regions = regions;
  expect_error(r, {Kind::region_too_small, 1 * mib, 512 * kib});
}

TEST_F(Loader, uses_only_ram_that_the_guest_may_use_for_everything) {
  regions = {region(0, 64 * mib), region(ram, 64 * mib), region(2 * ram, 64 * mib)};
  regions[0].access.write = false;
  regions[1].access.execute = false;
  const Bytes kernel = arm64_image(4 * kib, 1 * mib);
  const Bytes initrd(4 * kib);
  LoadRequest r = request(kernel);
  r.initrd = initrd;
  const LoadPlan p = plan(r);
  for (const GuestPhysRange& range : {p.kernel, p.initrd, p.fdt}) EXPECT_TRUE(regions[2].range.contains(range));
  // Code in ROM can do with RAM that it cannot execute.
  regions = {region(0, 2 * mib, config::RegionKind::rom), region(ram, 64 * mib)};
  regions[1].access.execute = false;
  const Bytes firmware = code(4 * kib);
  r = request(firmware);
  r.load = GuestPhys(0);
  EXPECT_EQ(plan(r).fdt.start, GuestPhys(ram));
  regions[1].access.write = false;
  expect_kind(r, Kind::no_ram);
}

TEST_F(Loader, loads_elf_segments_at_their_physical_addresses) {
  const Bytes kernel =
      elf({{0xffff'0000, ram + 1 * mib, 100, 300}, {0xffff'1000, ram + 1 * mib + 4 * kib, 50, 50}}, 0xffff'0010);
  const LoadPlan p = plan(request(kernel));
  EXPECT_EQ(p.format, ImageFormat::elf);
  EXPECT_EQ(p.kernel, (GuestPhysRange{GuestPhys(ram + 1 * mib), 4 * kib + 50}));
  EXPECT_EQ(p.entry, GuestPhys(ram + 1 * mib + 0x10));
  EXPECT_EQ(p.fdt.start, GuestPhys(ram)) << "bare-metal programs look there";

  FakeMemory memory(regions);
  ASSERT_TRUE(vmm::load_images(request(kernel), p, memory, progress, *scratch).ok());
  const Bytes loaded = memory.read(p.kernel);
  EXPECT_EQ(loaded[99], std::byte{99});
  EXPECT_EQ(loaded[4 * kib], std::byte{1});
  ASSERT_EQ(memory.zeroed.size(), 1U);
  EXPECT_EQ(memory.zeroed[0], (GuestPhysRange{GuestPhys(ram + 1 * mib + 100), 200}));
}

TEST_F(Loader, keeps_the_device_tree_out_of_an_elf_file_at_the_start_of_ram) {
  const Bytes kernel = elf({{ram, ram, 100, 3 * mib}}, ram);
  const LoadPlan p = plan(request(kernel));
  EXPECT_FALSE(p.fdt.overlaps(p.kernel));
}

TEST_F(Loader, moves_an_elf_file_that_is_told_where_to_go) {
  const Bytes kernel = elf({{0, 0, 100, 100}, {0x1000, 0x1000, 10, 10}}, 0x8);
  expect_error(request(kernel), {Kind::kernel_outside_memory, 0, 100});
  LoadRequest r = request(kernel);
  r.load = GuestPhys(ram + 4 * mib);
  EXPECT_EQ(plan(r).kernel, (GuestPhysRange{GuestPhys(ram + 4 * mib), 0x100a}));
  EXPECT_EQ(plan(r).entry, GuestPhys(ram + 4 * mib + 8));
  r.load = GuestPhys(~uint64_t{0} - 8);
  expect_kind(r, Kind::kernel_outside_memory);
}

TEST_F(Loader, refuses_damaged_elf_files) {
  const std::vector<Segment> two{{ram, ram, 100, 100}, {ram + 4096, ram + 4096, 10, 10}};
  const Bytes good = elf(two, ram);
  const auto changed = [&](size_t offset, auto value) {
    Bytes file = good;
    poke(file, offset, value);
    return file;
  };
  expect_error(request(elf({{ram, ram, 100, 100}, {ram + 50, ram + 50, 10, 10}}, ram)),
               {Kind::segments_overlap, ram, ram + 50});
  expect_kind(request(elf(two, ram, 62)), Kind::wrong_machine);
  expect_kind(request(elf(two, 0x1000)), Kind::entry_outside_kernel);
  expect_kind(request(elf({}, 0)), Kind::bad_header);
  expect_kind(request(changed(4, uint8_t{1})), Kind::wrong_machine);
  expect_kind(request(changed(5, uint8_t{2})), Kind::wrong_machine);
  expect_kind(request(changed(54, uint16_t{32})), Kind::bad_header);
  expect_kind(request(changed(56, uint16_t{0xffff})), Kind::truncated);
  expect_kind(request(changed(32, ~uint64_t{0})), Kind::truncated);
  expect_kind(request(changed(64 + 8, ~uint64_t{0})), Kind::truncated);
  // More in the file than in memory.
  expect_kind(request(changed(64 + 32, uint64_t{99'999})), Kind::bad_header);
  expect_kind(request(changed(64 + 40, ~uint64_t{0})), Kind::bad_header);
  expect_kind(request(changed(64 + 40, 257 * mib)), Kind::segments_overlap);
  expect_error(request(elf({{ram, ram, 0, 257 * mib}}, ram)), {Kind::kernel_too_large, 257 * mib, 256 * mib});
  for (size_t size = 4; size < good.size(); ++size) {
    const Bytes cut(good.begin(), good.begin() + static_cast<ptrdiff_t>(size));
    expect_kind(request(cut), Kind::truncated);
  }
}

TEST_F(Loader, unpacks_a_compressed_image) {
  const Bytes kernel = arm64_image(300 * kib, 400 * kib);
  Bytes packed = gzip(kernel);
  packed.resize(packed.size() + 100);  // some tools pad
  const LoadPlan p = plan(request(packed));
  EXPECT_EQ(p.format, ImageFormat::linux_image);
  EXPECT_TRUE(p.compressed);
  EXPECT_EQ(p.kernel, (GuestPhysRange{GuestPhys(ram + 2 * mib), 400 * kib}));
  FakeMemory memory(regions);
  ASSERT_TRUE(vmm::load_images(request(packed), p, memory, progress, *scratch).ok());
  EXPECT_EQ(memory.read({p.kernel.start, kernel.size()}), kernel);
}

TEST_F(Loader, unpacks_a_compressed_raw_image) {
  const Bytes kernel = code(100 * kib);
  const Bytes packed = gzip(kernel);
  const LoadPlan p = plan(request(packed));
  EXPECT_EQ(p.kernel, (GuestPhysRange{GuestPhys(ram + 512 * kib), kernel.size()}));
  FakeMemory memory(regions);
  ASSERT_TRUE(vmm::load_images(request(packed), p, memory, progress, *scratch).ok());
  EXPECT_EQ(memory.read(p.kernel), kernel);
}

TEST_F(Loader, stops_a_compressed_image_that_is_larger_than_it_says) {
  const Bytes packed = gzip(arm64_image(300 * kib, 100 * kib));
  const LoadPlan p = plan(request(packed));
  FakeMemory memory(regions);
  const auto result = vmm::load_images(request(packed), p, memory, progress, *scratch);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().kind, Kind::kernel_too_large);
}

TEST_F(Loader, reports_damage_in_a_compressed_image) {
  Bytes packed = gzip(arm64_image(300 * kib, 300 * kib));
  const Bytes cut(packed.begin(), packed.begin() + 200);
  expect_kind(request(cut), Kind::truncated);
  packed[packed.size() - 6] ^= std::byte{1};
  const LoadPlan p = plan(request(packed));
  FakeMemory memory(regions);
  const auto result = vmm::load_images(request(packed), p, memory, progress, *scratch);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().kind, Kind::bad_checksum);
  expect_kind(request(gzip(elf({{ram, ram, 100, 100}}, ram))), Kind::compressed_elf);
}

TEST_F(Loader, insists_on_the_format_that_was_named) {
  expect_kind(request(code(100), ImageFormat::linux_image), Kind::not_this_format);
  expect_kind(request(code(100), ImageFormat::elf), Kind::not_this_format);
  expect_kind(request(arm64_image(64, 64), ImageFormat::gzip), Kind::not_this_format);
  const Bytes image = arm64_image(4 * kib, 4 * kib);
  EXPECT_EQ(plan(request(image, ImageFormat::raw)).kernel.start, GuestPhys(ram + 512 * kib));
}

TEST_F(Loader, refuses_what_cannot_be_a_kernel) {
  expect_kind(request({}), Kind::empty_image);
  const std::string_view text = "this is not a kernel, it is a file of text";
  const auto bytes = std::as_bytes(std::span(text));
  expect_kind(request(Bytes(bytes.begin(), bytes.end())), Kind::not_code);
  expect_kind(request(Bytes(4096)), Kind::not_code);
  expect_kind(request(arm64_image(64, ~uint64_t{0})), Kind::kernel_too_large);
  expect_kind(request(loongarch_image(128, 128, 0x20'0000, 0x20'0000)), Kind::wrong_machine);
}

TEST_F(Loader, boots_the_kernel_inside_an_efi_zboot_image) {
  const Bytes image = arm64_image(300 * kib, 1 * mib);
  const Bytes file = zboot(gzip(image));
  const LoadRequest r = request(file);
  const LoadPlan p = plan(r);
  EXPECT_EQ(p.format, ImageFormat::linux_image);
  EXPECT_TRUE(p.compressed);
  EXPECT_EQ(p.kernel, (GuestPhysRange{GuestPhys(ram + 2 * mib), 1 * mib}));
  FakeMemory memory(regions);
  ASSERT_TRUE(vmm::load_images(r, p, memory, progress, *scratch).ok());
  EXPECT_EQ(memory.read({p.kernel.start, image.size()}), image);
  // What it holds may be no compressed file at all.
  const Bytes bare = zboot(image);
  EXPECT_EQ(plan(request(bare)).kernel.size, 1 * mib);
}

TEST_F(Loader, refuses_damaged_zboot_images) {
  const Bytes good = zboot(gzip(arm64_image(4 * kib, 4 * kib)));
  const auto with = [&](size_t offset, uint32_t value) {
    Bytes bad = good;
    poke(bad, offset, value);
    return bad;
  };
  expect_kind(request(with(8, 0)), Kind::bad_header);
  expect_kind(request(with(12, 0)), Kind::bad_header);
  expect_kind(request(with(8, static_cast<uint32_t>(good.size() + 1))), Kind::truncated);
  expect_kind(request(with(12, ~uint32_t{0})), Kind::truncated);
  expect_kind(request(zboot(gzip(gzip(arm64_image(4 * kib, 4 * kib))))), Kind::compressed_twice);
  expect_kind(request(zboot(gzip(good))), Kind::compressed_twice);
}

// All of them have the same magic at byte 56; an Image's own is "ARM\x64".
TEST_F(Loader, tells_architectures_apart_by_the_pe_header) {
  const Bytes payload = gzip(arm64_image(4 * kib, 4 * kib));
  expect_kind(request(zboot(payload, vmm::pe_machine_loongarch64)), Kind::wrong_machine);
  expect_kind(request(efi_program(0x8664)), Kind::wrong_machine);
  expect_kind(request(efi_program(vmm::pe_machine_aarch64)), Kind::efi_program);
  expect_kind(request(gzip(efi_program(0x5064))), Kind::wrong_machine);
  Bytes odd = efi_program(vmm::pe_machine_aarch64);
  poke(odd, 60, ~uint32_t{0});
  EXPECT_FALSE(vmm::pe_machine(odd).has_value());

  regions = {region(0, 256 * mib)};
  const Bytes image = loongarch_image(4 * kib, 1 * mib, 0x9000'0000'0020'1000, 0x9000'0000'0020'0000);
  LoadRequest r = request(image);
  r.isa = vmm::GuestIsa::loongarch64;
  EXPECT_EQ(plan(r).kernel.start, GuestPhys(0x20'0000));
  const Bytes other = zboot(payload);
  r.kernel = other;
  expect_kind(r, Kind::wrong_machine);
}

TEST_F(Loader, refuses_what_it_cannot_unpack_and_says_what_it_is) {
  using namespace std::string_view_literals;
  const std::pair<std::string_view, vmm::Compression> magics[] = {
      {"\x28\xb5\x2f\xfd"sv, vmm::Compression::zstd},  {"\xfd" "7zXZ\0"sv, vmm::Compression::xz},
      {"\x5d\0\0\x80"sv, vmm::Compression::lzma},      {"\x04\x22\x4d\x18"sv, vmm::Compression::lz4},
      {"\x02\x21\x4c\x18"sv, vmm::Compression::lz4},   {"\x89" "LZO\0\r\n\x1a\n"sv, vmm::Compression::lzo},
      {"BZh9"sv, vmm::Compression::bzip2},
  };
  for (const auto& [magic, compression] : magics) {
    Bytes file = code(4 * kib);
    std::memcpy(file.data(), magic.data(), magic.size());
    const LoadError error{Kind::other_compression, static_cast<uint64_t>(compression)};
    expect_error(request(file), error);
    const Bytes wrapped = zboot(file);
    expect_error(request(wrapped), error);
    expect_kind(request(gzip(file)), Kind::compressed_twice);
  }
  // Whoever says that it is code is believed.
  Bytes file = code(4 * kib);
  std::memcpy(file.data(), "\xfd" "7zXZ", 6);
  EXPECT_TRUE(vmm::plan_load(request(file, ImageFormat::raw), *scratch).ok());
}

TEST_F(Loader, says_how_much_is_missing) {
  regions = {region(ram, 64 * mib)};
  expect_error(request(arm64_image(64, 100 * mib)), {Kind::kernel_too_large, 100 * mib, 64 * mib});
  const Bytes kernel = arm64_image(4 * kib, 40 * mib);
  const Bytes initrd(30 * mib);
  LoadRequest r = request(kernel);
  r.initrd = initrd;
  expect_error(r, {Kind::initrd_too_large, 30 * mib, 64 * mib});
  r.initrd = {};
  r.fdt_capacity = 3 * mib;
  expect_error(r, {Kind::fdt_too_large, 3 * mib, 64 * mib});
  regions = {region(0, 64 * mib, config::RegionKind::rom)};
  expect_kind(request(kernel), Kind::no_ram);
}

TEST_F(Loader, refuses_load_addresses_that_cannot_work) {
  const Bytes kernel = arm64_image(64, 1 * mib);
  LoadRequest r = request(kernel);
  r.load = GuestPhys(ram + 4 * kib);
  expect_error(r, {Kind::misaligned_load, ram + 4 * kib, 2 * mib});
  r.load = GuestPhys(0x1000'0000);
  expect_error(r, {Kind::kernel_outside_memory, 0x1000'0000, 1 * mib});
  r.load = GuestPhys(ram + 254 * mib);
  EXPECT_TRUE(vmm::plan_load(r, *scratch).ok());
  r.entry = GuestPhys(ram);
  expect_error(r, {Kind::entry_outside_kernel, ram, 0});
}

class LoongArchLoader : public Loader {
 protected:
  LoongArchLoader() { regions = {region(0, 256 * mib), region(0x8000'0000, 768 * mib)}; }
  LoadRequest request(const Bytes& kernel) {
    LoadRequest request = Loader::request(kernel);
    request.isa = vmm::GuestIsa::loongarch64;
    return request;
  }
};

TEST_F(LoongArchLoader, places_linux_as_qemu_does) {
  const Bytes initrd(1 * mib + 5);
  for (const uint64_t window : {uint64_t{0}, uint64_t{0x9000'0000'0000'0000}}) {
    const Bytes kernel = loongarch_image(3 * mib, 5 * mib, window + 0x123'4000 - 0xe0'0000, window + 0x20'0000);
    LoadRequest r = request(kernel);
    r.initrd = initrd;
    const LoadPlan p = plan(r);
    EXPECT_EQ(p.format, ImageFormat::linux_image);
    EXPECT_EQ(p.kernel, (GuestPhysRange{GuestPhys(0x20'0000), 5 * mib}));
    EXPECT_EQ(p.entry, GuestPhys(0x43'4000));
    EXPECT_EQ(p.initrd, (GuestPhysRange{GuestPhys(128 * mib), initrd.size()}));
    EXPECT_EQ(p.fdt, (GuestPhysRange{GuestPhys(0x10'0000), 64 * kib}));
    EXPECT_EQ(p.tables, (GuestPhysRange{GuestPhys(0), 4 * kib}));
  }
}

TEST_F(LoongArchLoader, finds_the_place_of_an_elf_file_behind_its_window) {
  const uint64_t window = 0x9000'0000'0000'0000;
  const Bytes kernel = elf({{window + 0x20'0000, window + 0x20'0000, 100, 1 * mib}}, window + 0x20'0010, 258);
  const LoadPlan p = plan(request(kernel));
  EXPECT_EQ(p.kernel, (GuestPhysRange{GuestPhys(0x20'0000), 1 * mib}));
  EXPECT_EQ(p.entry, GuestPhys(0x20'0010));
}

TEST_F(LoongArchLoader, keeps_the_tables_clear_of_a_kernel_in_their_place) {
  const LoadPlan p = plan(request(elf({{0, 0, 100, 2 * mib}}, 0, 258)));
  EXPECT_EQ(p.kernel.start, GuestPhys(0));
  EXPECT_EQ(p.tables.start, GuestPhys(2 * mib));
  EXPECT_EQ(p.fdt.start, GuestPhys(2 * mib + 64 * kib));
}

TEST_F(LoongArchLoader, puts_a_raw_kernel_above_the_tables) {
  EXPECT_EQ(plan(request(code(4 * kib))).kernel.start, GuestPhys(2 * mib));
}

TEST_F(LoongArchLoader, puts_an_initrd_into_the_high_bank_when_the_low_one_is_too_small) {
  const Bytes kernel = loongarch_image(4 * kib, 40 * mib, 0x20'0000, 0x20'0000);
  const Bytes initrd(200 * mib);
  LoadRequest r = request(kernel);
  r.initrd = initrd;
  EXPECT_EQ(plan(r).initrd.start, GuestPhys(0x8000'0000));
}

TEST_F(LoongArchLoader, says_when_there_is_no_room_for_the_tables) {
  regions = {region(0, 1 * mib)};
  const Bytes kernel = elf({{0, 0, 100, 1 * mib}}, 0, 258);
  expect_error(request(kernel), {Kind::tables_too_large, 4 * kib, 1 * mib});
}

// Whatever the numbers are: nothing overlaps, all is inside RAM, the device tree crosses no 2 MiB boundary.
TEST_F(Loader, never_places_two_things_in_one_spot) {
  std::mt19937_64 random(3);
  unsigned planned = 0;
  for (unsigned i = 0; i < 2'000; ++i) {
    regions.clear();
    uint64_t at = (random() % 4) * 512 * mib;
    for (unsigned n = 1 + static_cast<unsigned>(random() % 3); n-- > 0;) {
      const uint64_t size = (1 + random() % 64) * mib;
      regions.push_back(region(at, size, random() % 4 == 0 ? config::RegionKind::rom : config::RegionKind::ram));
      at += size + random() % 3 * mib;
    }
    const uint64_t start = regions[0].range.start.value() + random() % 16 * mib;
    const bool arm = random() % 2 == 0;
    const uint64_t offset = random() % 3 * 512 * kib;
    const Bytes kernel = random() % 2 == 0 ? elf({{start, start, 64, 1 + random() % (20 * mib)}}, start, arm ? 183 : 258)
                         : arm             ? arm64_image(4 * kib, random() % (40 * mib), offset)
                                           : loongarch_image(4 * kib, random() % (40 * mib), offset, offset);
    const Bytes initrd(random() % 3 == 0 ? 0 : random() % (1 * mib));
    LoadRequest r = request(kernel);
    r.initrd = initrd;
    r.isa = arm ? vmm::GuestIsa::aarch64 : vmm::GuestIsa::loongarch64;
    r.fdt_capacity = hal::page_size << (random() % 10);
    const auto result = vmm::plan_load(r, *scratch);
    if (!result.ok()) continue;
    ++planned;
    const LoadPlan& p = *result;
    ASSERT_FALSE(p.kernel.overlaps(p.initrd));
    ASSERT_FALSE(p.kernel.overlaps(p.fdt));
    ASSERT_FALSE(p.initrd.overlaps(p.fdt));
    ASSERT_EQ(p.tables.empty(), arm);
    for (const GuestPhysRange& other : {p.kernel, p.initrd, p.fdt}) ASSERT_FALSE(p.tables.overlaps(other));
    for (const GuestPhysRange& range : {p.kernel, p.initrd, p.fdt, p.tables}) {
      ASSERT_TRUE(range.empty() ||
                  std::ranges::any_of(regions, [&](const auto& r) { return r.range.contains(range); }));
    }
    ASSERT_EQ(p.fdt.start.align_down(2 * mib), (p.fdt.end() - 1).align_down(2 * mib));
  }
  EXPECT_GT(planned, 400U);
}

TEST(LoadErrorText, names_the_numbers) {
  std::array<char, 256> buffer{};
  hal::BufferSink sink(buffer);
  vmm::describe(sink, {Kind::kernel_too_large, 100 * mib, 64 * mib});
  EXPECT_EQ(sink.text(), "the kernel needs 100MiB, but only 64MiB of the VM's memory are there for it");
}

}  // namespace
