// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace host {

// The kernel `content` as it goes into a bundle: what zstd packed, in an EFI zboot image or alone, is unpacked, since
// the hypervisor has no code for that; all else stays as it is. Nothing, after a message about `name`, when the data
// are damaged.
std::optional<std::string> unpack_kernel(std::string content, std::string_view name);

}  // namespace host
