// SPDX-License-Identifier: Apache-2.0
#include "hal/efi/load_options.hpp"

#include <algorithm>
#include <cstring>

namespace hal::efi {
namespace {

constexpr char16_t separator = u'\\';

size_t length(const Path& path) { return static_cast<size_t>(std::ranges::find(path, u'\0') - path.begin()); }

}  // namespace

void copy_options(const LoadedImage& image, std::span<char> text) {
  size_t used = 0;
  if (image.options != nullptr) {
    const auto* const bytes = static_cast<const std::byte*>(image.options);
    for (size_t at = 0; at + 2 <= image.options_size && used + 1 < text.size(); at += 2) {
      char16_t character;
      std::memcpy(&character, bytes + at, sizeof(character));
      if (character == 0) break;
      text[used++] = character >= ' ' && character <= '~' ? static_cast<char>(character) : '?';
    }
  }
  text[used] = '\0';
}

std::string_view initrd_option(std::string_view options) {
  constexpr std::string_view key = "initrd=";
  std::string_view found;
  while (!options.empty()) {
    const std::string_view word = options.substr(0, options.find(' '));
    if (word.starts_with(key)) found = word.substr(key.size());
    options.remove_prefix(std::min(options.size(), word.size() + 1));
  }
  return found;
}

Path folder_of(const DevicePath* path) {
  Path folder{};
  size_t used = 0;
  // The text of all file nodes is one path; then what follows the last separator goes.
  constexpr unsigned most_nodes = 64;
  for (unsigned n = 0; path != nullptr && path->type != end_of_path && n < most_nodes; ++n) {
    const size_t size = path->length[0] + size_t{path->length[1]} * 256;
    if (size < sizeof(DevicePath)) break;
    const auto* const bytes = reinterpret_cast<const std::byte*>(path);
    if (path->type == media_path && path->subtype == media_file) {
      for (size_t at = sizeof(DevicePath); at + 2 <= size && used < folder.size() - 1; at += 2) {
        char16_t character;
        std::memcpy(&character, bytes + at, sizeof(character));
        if (character == 0) break;
        folder[used++] = character;
      }
    }
    path = reinterpret_cast<const DevicePath*>(bytes + size);
  }
  while (used > 0 && folder[used - 1] != separator) --used;
  std::fill(folder.begin() + static_cast<ptrdiff_t>(used), folder.end(), u'\0');
  return folder;
}

bool join(Path& path, const Path& folder, std::string_view name) {
  size_t used = length(folder);
  if (used + name.size() >= path.size()) return false;
  std::copy_n(folder.begin(), used, path.begin());
  for (const char character : name) {
    path[used++] = character == '/' ? separator : static_cast<unsigned char>(character);
  }
  path[used] = u'\0';
  return true;
}

}  // namespace hal::efi
