// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "config/diagnostics.hpp"
#include "config/vm_config.hpp"
#include "hal/base/fixed.hpp"
#include "hal/base/result.hpp"

// What plinth.toml says, checked and with every default filled in; docs/config.md documents the keys.
namespace config {

inline constexpr size_t max_vm_files = 64;

enum class LogLevel : uint8_t { error, warning, info, debug };

struct HostConfig {
  LogLevel log_level = LogLevel::info;
  // VM files in the bundle, in the order they are created; empty: every vms/*.toml, in the bundle's order.
  hal::FixedVector<BundlePath, max_vm_files> vms;
  // The control character that leads from a guest's console to the prompt (0x1e is Ctrl-^).
  char console_escape = 0x1e;
  // The VM whose console is attached after start; empty: the only autostarted VM, or the prompt when there are several.
  VmName console_attach;
  // Time slice of fair VMs that do not choose their own.
  uint64_t scheduler_slice_ns = 5'000'000;
};

// As load_vm(), for plinth.toml. After an error `host` holds the defaults.
hal::Result<void, Invalid> load_host(std::string_view text, std::span<std::byte> arena, Diagnostics& diagnostics,
                                     HostConfig& out);

}  // namespace config
