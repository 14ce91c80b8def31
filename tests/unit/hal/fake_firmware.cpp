// SPDX-License-Identifier: Apache-2.0
#include "fake_firmware.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace fakes {
namespace {

using namespace hal::efi;

Firmware* there = nullptr;  // one at a time
int device;                 // what handle this is does not matter

struct OpenFile : File {
  const std::string* content = nullptr;  // null: the root
  size_t done = 0;
};

}  // namespace

struct Firmware::Calls {
  static Status allocate_pages(AllocateType type, MemoryType memory, size_t pages, uint64_t* place) {
    there->must_be_there();
    EXPECT_EQ(type, AllocateType::any_pages);
    EXPECT_EQ(memory, MemoryType::loader_data);
    if (pages == 0 || pages > there->pages_at_most) return status::out_of_resources;
    void* const block = std::aligned_alloc(page_bytes, pages * page_bytes);
    std::memset(block, 0xa5, pages * page_bytes);
    there->blocks_.push_back(block);
    *place = reinterpret_cast<uintptr_t>(block);
    for (size_t i = 0; i < pages; ++i) there->pages_[*place + i * page_bytes] = block;
    ++there->key_;
    return status::success;
  }

  static Status free_pages(uint64_t place, size_t pages) {
    there->must_be_there();
    for (size_t i = 0; i < pages; ++i)
      EXPECT_EQ(there->pages_.erase(place + i * page_bytes), 1U) << "was not allocated";
    ++there->key_;
    return status::success;
  }

  static Status get_memory_map(size_t* size, void* map, size_t* key, size_t* descriptor_size, uint32_t* version) {
    constexpr size_t stride = 48;  // firmware's own, longer than the structure
    const std::vector<MemoryDescriptor> entries{{MemoryType::conventional, 0, 0x4000'0000, 0, 0x100, memory_wb},
                                                {MemoryType::runtime_services_data, 0, 0x4010'0000, 0, 1, memory_wb}};
    EXPECT_GE(*size, entries.size() * stride);
    for (size_t i = 0; i < entries.size(); ++i) {
      std::memcpy(static_cast<std::byte*>(map) + i * stride, &entries[i], sizeof(entries[i]));
    }
    *size = entries.size() * stride;
    *key = there->key_;
    *descriptor_size = stride;
    *version = 1;
    if (there->stale_keys > 0) {
      --there->stale_keys;
      ++there->key_;
    }
    return status::success;
  }

  static Status exit_boot_services(Handle image, size_t key) {
    EXPECT_EQ(image, there->image());
    EXPECT_FALSE(there->left);
    there->exit_was_called_ = true;
    if (key != there->key_) return status::invalid_parameter;
    there->left = true;
    return status::success;
  }

  static Status handle_protocol(Handle handle, const Guid* wanted, void** interface) {
    there->must_be_there();
    *interface = nullptr;
    if (handle == there->image() && *wanted == guid::loaded_image) *interface = &there->loaded_;
    if (handle == &device && *wanted == guid::simple_file_system) *interface = &there->volume_;
    if (handle == &there->loader_ && *wanted == guid::load_file2) *interface = &there->loader_;
    return *interface != nullptr ? status::success : status::unsupported;
  }

  static Status locate_device_path(const Guid* protocol, const DevicePath** path, Handle* handle) {
    there->must_be_there();
    EXPECT_EQ(*protocol, guid::load_file2);
    Guid vendor;
    std::memcpy(vendor.data(), *path + 1, sizeof(vendor));
    if (!there->has_loader || (*path)->type != media_path || (*path)->subtype != media_vendor) return status::not_found;
    if ((*path)->length[0] != 20 || vendor != guid::initrd_media) return status::not_found;
    *path += 5;
    *handle = &there->loader_;
    return status::success;
  }

  static Status load_file(LoadFile2* self, const DevicePath* path, uint8_t boot_policy, size_t* size, void* buffer) {
    there->must_be_there();
    if (self != &there->loader_ || path->type != end_of_path || path->subtype != end_entire || boot_policy != 0) {
      return status::invalid_parameter;
    }
    if (there->initrd.empty()) return status::not_found;
    if (buffer == nullptr || *size < there->initrd.size()) {
      *size = there->initrd.size();
      return status::buffer_too_small;
    }
    if (there->fails_to_read) return status::load_error;
    *size = there->initrd.size();
    std::memcpy(buffer, there->initrd.data(), *size);
    return status::success;
  }

  static Status open_volume(SimpleFileSystem* self, File** root) {
    there->must_be_there();
    EXPECT_EQ(self, &there->volume_);
    *root = make_file(nullptr);
    return status::success;
  }

  static Status open(File*, File** opened, const char16_t* name, uint64_t mode, uint64_t) {
    there->must_be_there();
    EXPECT_EQ(mode, open_for_reading);
    const auto found = there->files.find(name);
    if (found == there->files.end()) return status::not_found;
    *opened = make_file(&found->second);
    return status::success;
  }

  static Status close(File* file) {
    there->must_be_there();
    delete static_cast<OpenFile*>(file);  // the leak checker finds one that is not closed
    return status::success;
  }

  static Status read(File* file, size_t* size, void* buffer) {
    auto& open = *static_cast<OpenFile*>(file);
    if (there->fails_to_read) return status::load_error;
    *size = std::min({*size, there->most_read, open.content->size() - open.done});
    std::memcpy(buffer, open.content->data() + open.done, *size);
    open.done += *size;
    return status::success;
  }

  static Status get_info(File* file, const Guid* kind, size_t* size, void* buffer) {
    EXPECT_EQ(*kind, guid::file_info);
    constexpr size_t whole = 80 + 2 * sizeof(u"bundle.cpio");
    if (*size < whole) return status::buffer_too_small;
    const FileInfo info{whole, static_cast<OpenFile*>(file)->content->size()};
    std::memcpy(buffer, &info, sizeof(info));
    *size = whole;
    return status::success;
  }

  static Status output_string(TextOutput*, const char16_t* text) {
    there->must_be_there();
    there->said += text;
    return status::success;
  }

  static Status set_watchdog_timer(size_t seconds, uint64_t, size_t, const char16_t*) {
    there->watchdog = seconds;
    return status::success;
  }

  static File* make_file(const std::string* content) {
    auto* const file = new OpenFile{};
    file->open = open;
    file->close = close;
    file->read = read;
    file->get_info = get_info;
    file->content = content;
    return file;
  }
};

Firmware::Firmware() {
  there = this;
  boot_.allocate_pages = Calls::allocate_pages;
  boot_.free_pages = Calls::free_pages;
  boot_.get_memory_map = Calls::get_memory_map;
  boot_.handle_protocol = Calls::handle_protocol;
  boot_.locate_device_path = Calls::locate_device_path;
  boot_.exit_boot_services = Calls::exit_boot_services;
  boot_.set_watchdog_timer = Calls::set_watchdog_timer;
  console_.output_string = Calls::output_string;
  loader_.load_file = Calls::load_file;
  volume_.open_volume = Calls::open_volume;
  system_.console_out = &console_;
  system_.boot = &boot_;
  loaded_.device = &device;
  set_file_path(u"\\EFI\\BOOT\\BOOTAA64.EFI");
}

Firmware::~Firmware() {
  for (void* const block : blocks_) std::free(block);
  there = nullptr;
}

void Firmware::must_be_there() const { ASSERT_FALSE(exit_was_called_) << "a boot service after ExitBootServices()"; }

void Firmware::add_table(const Guid& vendor, const void* table) {
  tables_.push_back({vendor, reinterpret_cast<uintptr_t>(table)});
  system_.tables = tables_.data();
  system_.table_count = tables_.size();
}

void Firmware::clear_tables() {
  tables_.clear();
  system_.table_count = 0;
}

void Firmware::set_options(std::u16string text) {
  options_ = std::move(text);
  loaded_.options = options_.c_str();
  loaded_.options_size = static_cast<uint32_t>(2 * (options_.size() + 1));
}

void Firmware::set_file_path(const std::u16string& path) {
  const auto size = static_cast<uint16_t>(4 + 2 * (path.size() + 1));
  file_path_.assign(size + 4U, std::byte{});
  const DevicePath node{media_path, media_file, {static_cast<uint8_t>(size), static_cast<uint8_t>(size >> 8)}};
  const DevicePath end{end_of_path, end_entire, {4, 0}};
  std::memcpy(file_path_.data(), &node, sizeof(node));
  std::memcpy(file_path_.data() + 4, path.c_str(), 2 * (path.size() + 1));
  std::memcpy(file_path_.data() + size, &end, sizeof(end));
  loaded_.file_path = reinterpret_cast<const DevicePath*>(file_path_.data());
}

size_t Firmware::pages_in_use() const { return pages_.size(); }

bool Firmware::is_allocated(uint64_t place, uint64_t size) const {
  for (uint64_t page = place & ~(page_bytes - 1); page < place + size; page += page_bytes) {
    if (!pages_.contains(page)) return false;
  }
  return true;
}

}  // namespace fakes
