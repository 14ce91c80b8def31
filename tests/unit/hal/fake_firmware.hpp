// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "hal/efi/uefi.hpp"

// UEFI firmware, strict where the specification is: it counts what is allocated, knows its memory map's key, and after
// ExitBootServices() was called answers to nothing but the two functions that are allowed then (7.4.6).
namespace fakes {

class Firmware {
 public:
  Firmware();
  ~Firmware();
  Firmware(const Firmware&) = delete;
  Firmware& operator=(const Firmware&) = delete;

  hal::efi::SystemTable& system() { return system_; }
  hal::efi::Handle image() { return &loaded_; }
  hal::efi::LoadedImage& loaded() { return loaded_; }

  void add_table(const hal::efi::Guid& vendor, const void* table);
  void clear_tables();
  void set_options(std::u16string text);
  void set_file_path(const std::u16string& path);

  std::map<std::u16string, std::string> files;  // by the name they are opened with
  std::string initrd;                           // what LoadFile2 gives
  bool has_loader = false;
  std::u16string said;          // on the console
  size_t most_read = SIZE_MAX;  // bytes that Read() gives at a time
  bool fails_to_read = false;
  unsigned stale_keys = 0;          // how often something is allocated between the map and the exit
  bool left = false;                // boot services are gone
  size_t watchdog = 300;            // seconds
  size_t pages_at_most = SIZE_MAX;  // that a single allocation may have

  [[nodiscard]] size_t pages_in_use() const;
  // Bytes of page-aligned memory: `place` is from AllocatePages().
  [[nodiscard]] bool is_allocated(uint64_t place, uint64_t size) const;

 private:
  struct Calls;
  void must_be_there() const;

  hal::efi::BootServices boot_{};
  hal::efi::SystemTable system_{};
  hal::efi::TextOutput console_{};
  hal::efi::LoadedImage loaded_{};
  hal::efi::SimpleFileSystem volume_{};
  hal::efi::LoadFile2 loader_{};
  std::vector<hal::efi::ConfigurationTable> tables_;
  std::u16string options_;
  std::vector<std::byte> file_path_;
  std::map<uint64_t, void*> pages_;  // page by page
  std::vector<void*> blocks_;
  size_t key_ = 1;
  bool exit_was_called_ = false;
};

}  // namespace fakes
