// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <string_view>

#include "hal/base/result.hpp"

// Reading and writing of cpio archives in the "newc" format (magic 070701, or 070702 with checksums), the format of a
// Linux initramfs and of Plinth's bundle:
//
//     | header: 110 bytes, thirteen 8-digit hexadecimal fields | name, NUL | pad to 4 | data | pad to 4 | header ...
//
// The entry named "TRAILER!!!" ends the archive; whatever follows is padding. Checksums are not verified.
namespace hal {

enum class CpioError : uint8_t {
  not_an_archive,  // no newc magic at the start
  truncated,       // an entry reaches beyond the end, or the trailer is missing
  bad_header,      // a damaged header between good ones
  bad_name,        // empty or unterminated name
  no_space,        // writing: the buffer is full
};
[[nodiscard]] std::string_view name(CpioError error);

struct CpioEntry {
  std::string_view name;  // as written, a leading "./" removed
  uint32_t mode = 0;
  std::span<const std::byte> data;

  [[nodiscard]] bool is_file() const { return (mode & 0170000) == 0100000; }
};

// An archive whose every header was checked. Views into the caller's bytes, nothing is copied.
class Cpio {
 public:
  class Iterator {
   public:
    using value_type = CpioEntry;
    using difference_type = ptrdiff_t;
    Iterator() = default;
    explicit Iterator(std::span<const std::byte> rest);
    const CpioEntry& operator*() const { return entry_; }
    const CpioEntry* operator->() const { return &entry_; }
    Iterator& operator++() { return *this = Iterator(rest_); }
    Iterator operator++(int) {
      Iterator old = *this;
      return ++*this, old;
    }
    friend bool operator==(const Iterator& a, std::default_sentinel_t) { return a.rest_.empty(); }

   private:
    CpioEntry entry_;
    std::span<const std::byte> rest_;
  };

  [[nodiscard]] static Result<Cpio, CpioError> open(std::span<const std::byte> bytes);

  [[nodiscard]] Iterator begin() const { return Iterator(bytes_); }
  [[nodiscard]] std::default_sentinel_t end() const { return {}; }
  // The regular file of that name; of several, the last, as when an archive is unpacked.
  [[nodiscard]] std::optional<CpioEntry> find(std::string_view name) const;
  // The archive with its trailer, without what follows.
  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }

 private:
  explicit Cpio(std::span<const std::byte> bytes) : bytes_(bytes) {}
  std::span<const std::byte> bytes_;
};

// Writes an archive that depends on nothing but its content: time stamps and owners are 0, inodes count from 1. Errors
// stick until finish(), as with FdtWriter.
class CpioWriter {
 public:
  explicit CpioWriter(std::span<std::byte> buffer) : buffer_(buffer) {}

  void directory(std::string_view name) { entry(name, 040755, {}); }
  void file(std::string_view name, std::span<const std::byte> data) { entry(name, 0100644, data); }
  [[nodiscard]] Result<std::span<const std::byte>, CpioError> finish();

  // The bytes that an entry takes in an archive, and those of the trailer.
  [[nodiscard]] static size_t size_of(std::string_view name, size_t data_size);
  [[nodiscard]] static size_t trailer_size();

 private:
  void entry(std::string_view name, uint32_t mode, std::span<const std::byte> data);

  std::span<std::byte> buffer_;
  size_t used_ = 0;
  uint32_t entries_ = 0;
  std::optional<CpioError> error_;
};

}  // namespace hal
