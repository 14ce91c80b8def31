// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "hal/efi/uefi.hpp"

// The words and names that come with a loaded image. They are a user's and firmware's: read with bounds.
namespace hal::efi {

// The load options as text, with a NUL at its end: 16-bit characters by convention (9.1.1), cut where they do not fit.
// What is no printable ASCII becomes a question mark.
void copy_options(const LoadedImage& image, std::span<char> text);

// The path after the last `initrd=` word; empty when there is none.
[[nodiscard]] std::string_view initrd_option(std::string_view options);

// A file's name on a volume: `\EFI\BOOT\x`, with a NUL at its end.
using Path = std::array<char16_t, 256>;

// The folder of the file that a device path ends in (10.3.5.4) with the separator at its end; empty where it names
// none.
[[nodiscard]] Path folder_of(const DevicePath* path);

// `path` becomes folder and name; slashes in `name` are separators too. False when it does not fit.
[[nodiscard]] bool join(Path& path, const Path& folder, std::string_view name);

}  // namespace hal::efi
