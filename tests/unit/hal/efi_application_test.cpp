// SPDX-License-Identifier: Apache-2.0
#include "hal/efi/application.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "fake_firmware.hpp"
#include "hal/efi/bundle.hpp"
#include "hal/efi/load_options.hpp"
#include "hal/efi/relocate.hpp"
#include "hal/platform/efi_memory.hpp"

namespace hal::efi {
namespace {

// A GUID as the specifications print it.
Guid parse(std::string_view text) {
  Guid result{};
  constexpr std::array<int, 16> order{3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
  size_t at = 0;
  for (const int place : order) {
    if (text[at] == '-') ++at;
    result[place] = static_cast<uint8_t>(std::stoi(std::string(text.substr(at, 2)), nullptr, 16));
    at += 2;
  }
  return result;
}

TEST(Efi, knows_its_guids_as_the_specification_prints_them) {
  EXPECT_EQ(guid::device_tree, parse("b1b621d5-f19c-41a5-830b-d9152c69aae0"));
  EXPECT_EQ(guid::initrd_media, parse("5568e427-68fc-4f3d-ac74-ca555231cc68"));
  EXPECT_EQ(guid::acpi, parse("8868e871-e4f1-11d3-bc22-0080c73c8881"));
  EXPECT_EQ(guid::loaded_image, parse("5b1b31a1-9562-11d2-8e3f-00a0c969723b"));
  EXPECT_EQ(guid::simple_file_system, parse("964e5b22-6459-11d2-8e39-00a0c969723b"));
  EXPECT_EQ(guid::file_info, parse("09576e92-6d3f-11d2-8e39-00a0c969723b"));
  EXPECT_EQ(guid::load_file2, parse("4006c0c1-fcb3-403e-996d-4a6c8724e06d"));
}

class EfiApplication : public testing::Test {
 protected:
  static constexpr uint64_t block = 2 * mib;

  void SetUp() override {
    constexpr std::array<uint8_t, 16> header{0xd0, 0x0d, 0xfe, 0xed, 0, 0, 0, 16, 1, 2, 3, 4, 5, 6, 7, 8};
    std::memcpy(tree_.data(), header.data(), header.size());
    for (size_t i = 0; i < file_.size(); ++i) file_[i] = static_cast<std::byte>(i * 7);
    firmware_.add_table(guid::device_tree, tree_.data());
  }

  Taken take() { return take_machine(firmware_.image(), firmware_.system(), {file_, block}); }
  std::string bundle_of(const HandOver& left) {
    return {reinterpret_cast<const char*>(left.bundle.start.value()), left.bundle.size};
  }
  bool said(std::u16string_view text) { return firmware_.said.find(text) != std::u16string::npos; }

  fakes::Firmware firmware_;
  alignas(8) std::array<std::byte, 16> tree_{};
  std::vector<std::byte> file_ = std::vector<std::byte>(10'000);
};

TEST_F(EfiApplication, copies_image_and_tree_and_leaves_firmware) {
  const Taken taken = take();
  ASSERT_EQ(taken.status, status::success);
  EXPECT_TRUE(firmware_.left);
  EXPECT_EQ(firmware_.watchdog, 0U);
  const HandOver& left = *taken.hand_over;
  EXPECT_TRUE(left.image.is_aligned(block));
  EXPECT_TRUE(firmware_.is_allocated(left.image.value(), block));
  EXPECT_EQ(reinterpret_cast<uintptr_t>(&left), left.image.value() + block - hand_over_room);
  EXPECT_EQ(std::memcmp(reinterpret_cast<void*>(left.image.value()), file_.data(), file_.size()), 0);
  EXPECT_NE(left.fdt.start.value(), reinterpret_cast<uintptr_t>(tree_.data()));
  EXPECT_TRUE(left.fdt.start.is_aligned(8));
  ASSERT_EQ(left.fdt.size, 16U);
  EXPECT_EQ(std::memcmp(reinterpret_cast<void*>(left.fdt.start.value()), tree_.data(), tree_.size()), 0);
  EXPECT_TRUE(left.bundle.empty());
  EXPECT_EQ(left.system_table.value(), reinterpret_cast<uintptr_t>(&firmware_.system()));
  const EfiMemory memory = usable_efi_memory(left.memory_map(), left.descriptor_size);
  ASSERT_EQ(memory.size(), 1U);
  EXPECT_EQ(memory[0], (HostPhysRange{HostPhys(0x4000'0000), mib}));
}

TEST_F(EfiApplication, keeps_no_more_pages_than_it_uses) {
  ASSERT_EQ(take().status, status::success);
  EXPECT_EQ(firmware_.pages_in_use(), block / page_bytes + 1);  // and the tree's
}

TEST_F(EfiApplication, asks_for_the_map_again_when_its_key_is_stale) {
  firmware_.stale_keys = 3;
  const Taken taken = take();
  ASSERT_EQ(taken.status, status::success);
  EXPECT_TRUE(firmware_.left);
}

TEST_F(EfiApplication, gives_up_when_firmware_never_accepts_a_key) {
  firmware_.stale_keys = 1'000'000;
  const Taken taken = take();
  EXPECT_EQ(taken.status, status::invalid_parameter);
  EXPECT_EQ(taken.hand_over, nullptr);
}

TEST_F(EfiApplication, returns_to_firmware_without_a_device_tree_and_gives_everything_back) {
  firmware_.clear_tables();
  EXPECT_EQ(take().status, status::unsupported);
  EXPECT_FALSE(firmware_.left);
  EXPECT_EQ(firmware_.pages_in_use(), 0U);
  EXPECT_TRUE(said(u"gives neither a usable device tree"));
}

TEST_F(EfiApplication, refuses_a_tree_that_is_none) {
  tree_[0] = std::byte{0};
  EXPECT_EQ(take().status, status::unsupported);
  EXPECT_EQ(firmware_.pages_in_use(), 0U);
}

TEST_F(EfiApplication, refuses_a_tree_larger_than_the_boot_protocol_allows) {
  tree_[4] = std::byte{1};
  EXPECT_EQ(take().status, status::unsupported);
}

TEST_F(EfiApplication, says_so_when_there_is_no_memory) {
  firmware_.pages_at_most = 1;
  EXPECT_EQ(take().status, status::out_of_resources);
  EXPECT_EQ(firmware_.pages_in_use(), 0U);
  EXPECT_TRUE(said(u"no memory"));
}

TEST_F(EfiApplication, takes_the_bundle_that_the_boot_loader_offers) {
  firmware_.has_loader = true;
  firmware_.initrd = "from the loader";
  firmware_.files[u"\\EFI\\BOOT\\bundle.cpio"] = "from the volume";
  const Taken taken = take();
  ASSERT_EQ(taken.status, status::success);
  EXPECT_EQ(bundle_of(*taken.hand_over), "from the loader");
  EXPECT_TRUE(firmware_.is_allocated(taken.hand_over->bundle.start.value(), taken.hand_over->bundle.size));
}

TEST_F(EfiApplication, looks_further_when_the_boot_loader_offers_nothing) {
  firmware_.has_loader = true;
  firmware_.files[u"\\EFI\\BOOT\\bundle.cpio"] = "beside the image";
  const Taken taken = take();
  ASSERT_EQ(taken.status, status::success);
  EXPECT_EQ(bundle_of(*taken.hand_over), "beside the image");
}

TEST_F(EfiApplication, takes_the_file_that_the_options_name) {
  firmware_.set_options(u"plinth.efi initrd=/guests/mine.cpio quiet");
  firmware_.files[u"\\guests\\mine.cpio"] = "named";
  firmware_.files[u"\\EFI\\BOOT\\bundle.cpio"] = "beside the image";
  const Taken taken = take();
  ASSERT_EQ(taken.status, status::success);
  EXPECT_EQ(bundle_of(*taken.hand_over), "named");
  EXPECT_EQ(std::string_view(taken.hand_over->command_line.data()), "plinth.efi initrd=/guests/mine.cpio quiet");
}

TEST_F(EfiApplication, returns_to_firmware_when_the_named_file_is_missing) {
  firmware_.set_options(u"initrd=\\none.cpio");
  firmware_.files[u"\\EFI\\BOOT\\bundle.cpio"] = "beside the image";
  EXPECT_EQ(take().status, status::not_found);
  EXPECT_FALSE(firmware_.left);
  EXPECT_EQ(firmware_.pages_in_use(), 0U);
}

TEST_F(EfiApplication, falls_back_to_the_root_of_the_volume) {
  firmware_.files[u"\\bundle.cpio"] = "in the root";
  const Taken taken = take();
  ASSERT_EQ(taken.status, status::success);
  EXPECT_EQ(bundle_of(*taken.hand_over), "in the root");
}

TEST_F(EfiApplication, reads_a_file_that_comes_in_pieces) {
  firmware_.files[u"\\bundle.cpio"] = std::string(10'000, 'x') + "end";
  firmware_.most_read = 4096;
  const Taken taken = take();
  ASSERT_EQ(taken.status, status::success);
  EXPECT_EQ(bundle_of(*taken.hand_over), firmware_.files[u"\\bundle.cpio"]);
}

TEST_F(EfiApplication, returns_to_firmware_when_the_bundle_cannot_be_read) {
  firmware_.fails_to_read = true;
  firmware_.files[u"\\bundle.cpio"] = "unreadable";
  EXPECT_EQ(take().status, status::load_error);
  EXPECT_EQ(firmware_.pages_in_use(), 0U);
  firmware_.has_loader = true;
  firmware_.initrd = "unreadable";
  EXPECT_EQ(take().status, status::load_error);
  EXPECT_EQ(firmware_.pages_in_use(), 0U);
}

TEST_F(EfiApplication, returns_to_firmware_when_the_bundle_finds_no_memory) {
  firmware_.files[u"\\bundle.cpio"] = std::string(8 * mib, 'x');
  firmware_.pages_at_most = 1024;
  EXPECT_EQ(take().status, status::out_of_resources);
  EXPECT_EQ(firmware_.pages_in_use(), 0U);
}

TEST_F(EfiApplication, takes_what_a_stub_before_it_left) {
  const std::array<uint64_t, 2> range{0x4321'0000, 0x1000};
  firmware_.add_table(guid::initrd_media, range.data());
  const Taken taken = take();
  ASSERT_EQ(taken.status, status::success);
  EXPECT_EQ(taken.hand_over->bundle, (HostPhysRange{HostPhys(0x4321'0000), 0x1000}));
}

TEST_F(EfiApplication, lets_a_bundle_that_the_tree_names_go_before_one_that_only_lies_there) {
  const HostPhysRange of_tree{HostPhys(0x5000), 0x1000};
  firmware_.files[u"\\bundle.cpio"] = "in the root";
  const Taken found = take();
  ASSERT_EQ(found.status, status::success);
  EXPECT_EQ(found.hand_over->bundle_beside(of_tree), of_tree);
  EXPECT_EQ(found.hand_over->bundle_beside(std::nullopt), found.hand_over->bundle);
}

TEST_F(EfiApplication, lets_a_bundle_that_the_boot_loader_names_go_before_the_trees) {
  firmware_.has_loader = true;
  firmware_.initrd = "from the loader";
  const Taken taken = take();
  ASSERT_EQ(taken.status, status::success);
  EXPECT_EQ(taken.hand_over->bundle_beside(HostPhysRange{HostPhys(0x5000), 0x1000}), taken.hand_over->bundle);
}

// An ACPI machine's tables in its memory: the root, the list of tables, and the tables.
class EfiAcpi : public EfiApplication {
 protected:
  void SetUp() override {
    EfiApplication::SetUp();
    firmware_.clear_tables();
    firmware_.add_table(guid::acpi, root_.data());
    std::memcpy(root_.data(), "RSD PTR ", 8);
    root_[15] = std::byte{2};
    set(root_, 24, reinterpret_cast<uintptr_t>(list_.data()));
    std::memcpy(list_.data(), "XSDT", 4);
    set(list_, 4, uint32_t{36 + 3 * 8});
    fill(mcfg_, "MCFG", 60);
    fill(dsdt_, "DSDT", 40);
    fill(madt_, "APIC", 44);
    fill(fadt_, "FACP", 276);
    const std::array tables{mcfg_.data(), madt_.data(), fadt_.data()};
    set(fadt_, 140, reinterpret_cast<uintptr_t>(dsdt_.data()));
    for (size_t n = 0; n < tables.size(); ++n) set(list_, 36 + 8 * n, reinterpret_cast<uintptr_t>(tables[n]));
  }
  template <class Number>
  static void set(std::span<std::byte> bytes, size_t at, Number value) {
    std::memcpy(bytes.data() + at, &value, sizeof(value));
  }
  static void fill(std::span<std::byte> table, std::string_view signature, uint32_t size) {
    std::memcpy(table.data(), signature.data(), 4);
    set(table, 4, size);
  }

  alignas(8) std::array<std::byte, 36> root_{};
  alignas(8) std::array<std::byte, 64> list_{};
  alignas(8) std::array<std::byte, 300> mcfg_{}, dsdt_{}, madt_{}, fadt_{};
};

TEST_F(EfiAcpi, copies_the_tables_that_say_what_is_needed_one_after_the_other) {
  const Taken taken = take();
  ASSERT_EQ(taken.status, status::success);
  EXPECT_TRUE(taken.hand_over->fdt.empty());
  const HostPhysRange place = taken.hand_over->acpi;
  ASSERT_EQ(place.size, 44U + 276 + 40);
  EXPECT_TRUE(firmware_.is_allocated(place.start.value(), place.size));
  const auto* const bytes = reinterpret_cast<const std::byte*>(place.start.value());
  EXPECT_EQ(std::memcmp(bytes, madt_.data(), 44), 0);
  EXPECT_EQ(std::memcmp(bytes + 44, fadt_.data(), 276), 0);
  EXPECT_EQ(std::memcmp(bytes + 44 + 276, dsdt_.data(), 40), 0);  // of which only the FADT knows
}

TEST_F(EfiAcpi, goes_behind_a_device_tree) {
  firmware_.add_table(guid::device_tree, tree_.data());
  const Taken taken = take();
  ASSERT_EQ(taken.status, status::success);
  EXPECT_EQ(taken.hand_over->fdt.size, 16U);
  EXPECT_TRUE(taken.hand_over->acpi.empty());
}

TEST_F(EfiAcpi, is_none_without_a_list_of_64_bit_addresses) {
  root_[15] = std::byte{0};
  EXPECT_EQ(take().status, status::unsupported);
}

TEST_F(EfiApplication, needs_no_console) {
  firmware_.system().console_out = nullptr;
  firmware_.clear_tables();
  EXPECT_EQ(take().status, status::unsupported);
}

TEST(EfiLoadOptions, are_text_until_their_end_or_the_rooms) {
  LoadedImage image{};
  std::array<char, 6> text;
  copy_options(image, text);
  EXPECT_STREQ(text.data(), "");
  const std::u16string options = u"a\u00fc\tb";
  image.options = options.data();
  image.options_size = 7;  // half a character is none
  copy_options(image, text);
  EXPECT_STREQ(text.data(), "a??");
  const std::u16string longer = u"0123456789";
  image.options = longer.data();
  image.options_size = 20;
  copy_options(image, text);
  EXPECT_STREQ(text.data(), "01234");
}

TEST(EfiLoadOptions, name_an_initrd_by_the_last_word_that_does) {
  EXPECT_EQ(initrd_option("quiet initrd=a  initrd=b\\c x"), "b\\c");
  EXPECT_EQ(initrd_option("xinitrd=a"), "");
  EXPECT_EQ(initrd_option(""), "");
}

TEST(EfiPath, of_a_folder_ends_at_the_last_separator_of_all_nodes) {
  const std::vector<uint8_t> two{4, 4, 12, 0, '\\', 0, 'E', 0, '\\', 0,    0, 0,
                                 4, 4, 8,  0, 'x',  0, 0,   0, 0x7f, 0xff, 4, 0};
  EXPECT_EQ(std::u16string(folder_of(reinterpret_cast<const DevicePath*>(two.data())).data()), u"\\E\\");
  const std::vector<uint8_t> broken{4, 4, 3, 0};  // a node shorter than its header
  EXPECT_EQ(std::u16string(folder_of(reinterpret_cast<const DevicePath*>(broken.data())).data()), u"");
  EXPECT_EQ(std::u16string(folder_of(nullptr).data()), u"");
}

TEST(EfiPath, refuses_a_name_that_does_not_fit) {
  Path path;
  EXPECT_TRUE(join(path, {}, std::string(path.size() - 1, 'x')));
  EXPECT_FALSE(join(path, {}, std::string(path.size(), 'x')));
}

// Words at 0x1000 + 8 n of an image linked for there.
TEST(EfiRelocation, moves_the_words_that_the_table_names_and_no_others) {
  std::vector<uint64_t> image(200, 0x1234);
  // Word 2; of the 63 words after it the first and the last; of the next 63 the second.
  const std::vector<uint64_t> table{0x1010, 1 | (uint64_t{1} << 1) | (uint64_t{1} << 63), 1 | (uint64_t{1} << 2),
                                    0x1000 + 8 * 199};
  ASSERT_TRUE(relocate(std::as_writable_bytes(std::span(image)), table, HostVirt(0x1000), HostVirt(0x5000)));
  for (size_t i = 0; i < image.size(); ++i) {
    const bool moved = i == 2 || i == 3 || i == 65 || i == 67 || i == 199;
    EXPECT_EQ(image[i], moved ? 0x5234U : 0x1234U) << i;
  }
}

TEST(EfiRelocation, refuses_a_table_that_points_outside) {
  std::vector<uint64_t> image(4, 0);
  const auto bytes = std::as_writable_bytes(std::span(image));
  EXPECT_FALSE(relocate(bytes, std::array<uint64_t, 1>{0x1020}, HostVirt(0x1000), HostVirt(0x2000)));
  EXPECT_FALSE(relocate(bytes, std::array<uint64_t, 1>{0xff8}, HostVirt(0x1000), HostVirt(0x2000)));
  EXPECT_FALSE(
      relocate(bytes, std::array<uint64_t, 2>{0x1000, 1 | (uint64_t{1} << 4)}, HostVirt(0x1000), HostVirt(0x2000)));
}

class EfiMemoryMap : public testing::Test {
 protected:
  void add(MemoryType type, uint64_t start, uint64_t pages, uint64_t attributes = memory_wb) {
    const MemoryDescriptor entry{type, 0, start, 0, pages, attributes};
    map_.resize(map_.size() + stride);
    std::memcpy(map_.data() + map_.size() - stride, &entry, sizeof(entry));
  }
  EfiMemory usable() { return usable_efi_memory(map_, stride); }

  static constexpr size_t stride = 48;
  std::vector<std::byte> map_;
};

TEST_F(EfiMemoryMap, gives_what_is_free_once_boot_services_are_gone) {
  add(MemoryType::boot_services_data, 0x9000'0000, 2);
  add(MemoryType::conventional, 0x4000'0000, 16);
  add(MemoryType::loader_data, 0x4001'0000, 1);
  add(MemoryType::runtime_services_code, 0x4001'1000, 1);
  add(MemoryType::loader_code, 0x4001'2000, 1);
  add(MemoryType::acpi_reclaim, 0x4001'3000, 1);
  add(MemoryType::acpi_nvs, 0x4001'4000, 1);
  add(MemoryType{14}, 0x4001'5000, 1);  // persistent
  add(MemoryType{0x7000'0000}, 0x4001'6000, 1);
  add(MemoryType::boot_services_code, 0x9000'2000, 1);
  const EfiMemory memory = usable();
  ASSERT_EQ(memory.size(), 3U);
  EXPECT_EQ(memory[0], (HostPhysRange{HostPhys(0x4000'0000), 17 * page_bytes}));
  EXPECT_EQ(memory[1], (HostPhysRange{HostPhys(0x4001'2000), page_bytes}));
  EXPECT_EQ(memory[2], (HostPhysRange{HostPhys(0x9000'0000), 3 * page_bytes}));
}

TEST_F(EfiMemoryMap, leaves_memory_alone_that_is_not_ordinary) {
  add(MemoryType::conventional, 0x1000, 1, 0x1);  // uncached only
  add(MemoryType::conventional, 0x3000, 1, memory_wb | memory_sp);
  add(MemoryType::conventional, 0x5000, 1, memory_wb | memory_runtime);
  add(MemoryType::conventional, 0x7000, 0);
  add(MemoryType::conventional, 0x9000, UINT64_MAX / page_bytes);
  add(MemoryType::conventional, 0xa123, 1);
  EXPECT_TRUE(usable().empty());
}

TEST_F(EfiMemoryMap, keeps_what_firmware_goes_on_using_from_everybody) {
  add(MemoryType::conventional, 0x4000'0000, 16);
  add(MemoryType::runtime_services_code, 0x4001'0000, 1, memory_wb | memory_runtime);
  add(MemoryType::runtime_services_data, 0x4001'1000, 2, memory_wb | memory_runtime);
  add(MemoryType::acpi_reclaim, 0x4001'4000, 1);
  add(MemoryType{0}, 0x5000'0000, 1);  // reserved
  add(MemoryType::conventional, 0x5000'2000, 1, memory_wb | memory_sp);
  add(MemoryType::mapped_io, 0x900'0000, 1);
  add(MemoryType::mapped_io, 0x901'0000, 1, memory_runtime);
  Platform platform;
  reserve_efi_memory(map_, stride, platform);
  const std::vector<HostPhysRange> kept(platform.reserved.begin(), platform.reserved.end());
  EXPECT_EQ(kept, (std::vector<HostPhysRange>{{HostPhys(0x4001'0000), 0x3000},
                                              {HostPhys(0x4001'4000), 0x1000},
                                              {HostPhys(0x5000'0000), 0x1000},
                                              {HostPhys(0x5000'2000), 0x1000},
                                              {HostPhys(0x901'0000), 0x1000}}));
  EXPECT_FALSE(platform.lists_are_cut);
}

TEST_F(EfiMemoryMap, says_so_when_more_is_kept_than_there_is_room_for) {
  for (uint64_t i = 0; i <= decltype(Platform::reserved)::capacity; ++i) add(MemoryType::acpi_nvs, (i + 1) * mib, 1);
  Platform platform;
  reserve_efi_memory(map_, stride, platform);
  EXPECT_TRUE(platform.lists_are_cut);
}

TEST_F(EfiMemoryMap, joins_across_a_gap_that_is_filled_later) {
  add(MemoryType::conventional, 0x1000, 1);
  add(MemoryType::conventional, 0x3000, 1);
  add(MemoryType::conventional, 0x2000, 1);
  const EfiMemory memory = usable();
  ASSERT_EQ(memory.size(), 1U);
  EXPECT_EQ(memory[0], (HostPhysRange{HostPhys(0x1000), 0x3000}));
}

TEST_F(EfiMemoryMap, loses_the_smallest_pieces_where_there_are_too_many) {
  for (uint64_t i = 0; i < 40; ++i) add(MemoryType::conventional, (i + 1) * mib, i % 2 == 0 ? 1 : 2 + i);
  const EfiMemory memory = usable();
  ASSERT_EQ(memory.size(), EfiMemory::capacity);
  uint64_t largest = 0;
  for (size_t i = 0; i < memory.size(); ++i) {
    if (i > 0) EXPECT_LT(memory[i - 1].end(), memory[i].start);
    largest = std::max(largest, memory[i].size);
  }
  EXPECT_EQ(largest, 41 * page_bytes);
  EXPECT_EQ(std::ranges::count_if(memory, [](const HostPhysRange& range) { return range.size > page_bytes; }), 20);
}

TEST_F(EfiMemoryMap, is_empty_when_its_entries_are_too_short) {
  add(MemoryType::conventional, 0x1000, 1);
  EXPECT_TRUE(usable_efi_memory(map_, 8).empty());
  EXPECT_TRUE(usable_efi_memory(map_, 0).empty());
  EXPECT_TRUE(usable_efi_memory(std::span(map_).first(47), stride).empty());
}

}  // namespace
}  // namespace hal::efi
