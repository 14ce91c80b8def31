// SPDX-License-Identifier: Apache-2.0
#include "hal/efi/firmware.hpp"

#include <array>

namespace hal::efi {
namespace {

void put(const SystemTable& system, std::string_view text) {
  std::array<char16_t, 64> piece;
  while (!text.empty()) {
    size_t length = 0;
    while (length < piece.size() - 1 && length < text.size()) {
      piece[length] = static_cast<unsigned char>(text[length]);
      ++length;
    }
    piece[length] = 0;
    (void)system.console_out->output_string(system.console_out, piece.data());
    text.remove_prefix(length);
  }
}

}  // namespace

void say(const SystemTable& system, std::string_view text) {
  if (system.console_out == nullptr) return;  // a machine without a console (4.3)
  put(system, "Plinth: ");
  put(system, text);
  put(system, "\r\n");
}

void say(const SystemTable& system, std::string_view text, Status why) {
  if (system.console_out == nullptr) return;
  put(system, "Plinth: ");
  put(system, text);
  std::array<char, 16> digits;
  for (size_t i = 0; i < digits.size(); ++i) {
    const unsigned digit = (why >> (60 - 4 * i)) & 0xf;
    digits[i] = static_cast<char>(digit < 10 ? '0' + digit : 'a' + digit - 10);
  }
  put(system, " (EFI status 0x");
  put(system, {digits.data(), digits.size()});
  put(system, ")\r\n");
}

Pages::~Pages() {
  for (const HostPhysRange& range : taken_) {
    (void)system_.boot->free_pages(range.start.value(), align_up(range.size, page_bytes) / page_bytes);
  }
}

std::optional<HostPhysRange> Pages::allocate(uint64_t size, uint64_t alignment) {
  const uint64_t wanted = align_up(size, page_bytes);
  const uint64_t pages = (wanted + alignment) / page_bytes - 1;
  uint64_t place = 0;
  if (wanted < size || wanted + alignment < wanted || taken_.size() == taken_.capacity) return std::nullopt;
  if (system_.boot->allocate_pages(AllocateType::any_pages, MemoryType::loader_data, pages, &place) !=
      status::success) {
    return std::nullopt;
  }
  // What alignment costs goes back: a boot loader's memory is all the memory there is on a small board.
  const uint64_t begin = align_up(place, alignment);
  const uint64_t before = (begin - place) / page_bytes, after = pages - before - wanted / page_bytes;
  if (before != 0) (void)system_.boot->free_pages(place, before);
  if (after != 0) (void)system_.boot->free_pages(begin + wanted, after);
  const HostPhysRange range{HostPhys(begin), size};
  (void)taken_.push_back(range);
  return range;
}

uint64_t configuration_table(const SystemTable& system, const Guid& guid) {
  for (size_t i = 0; i < system.table_count; ++i) {
    if (system.tables[i].vendor == guid) return system.tables[i].table;
  }
  return 0;
}

}  // namespace hal::efi
