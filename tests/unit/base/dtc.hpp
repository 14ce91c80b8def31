// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// The device tree compiler, an implementation of the format that is not ours.
namespace dtc {

using Blob = std::vector<std::byte>;

// False when the machine has no dtc; tests then skip.
bool is_installed();
// Source to blob and back; empty when dtc refuses.
Blob compile(std::string_view source);
std::string decompile(std::span<const std::byte> blob);

}  // namespace dtc
