// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace host {

// The whole file, or nothing after saying on stderr why not.
std::optional<std::string> read_file(const std::filesystem::path& path);
std::optional<std::string> read_stdin();
// Under a temporary name first, so that nobody ever sees half a file.
bool write_file(const std::filesystem::path& path, std::span<const std::byte> bytes);

inline std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

}  // namespace host
