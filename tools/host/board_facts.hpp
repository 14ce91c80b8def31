// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "hal/base/address.hpp"

namespace host {

// What a board's device tree says that VM files can ask too much of.
struct BoardFacts {
  uint64_t memory = 0;  // bytes
  std::vector<hal::HostPhysRange> memory_ranges;
  unsigned cpus = 0;
  unsigned gic_version = 0;  // 0: none of ours

  // Nothing, after a message, when the file is not a good device tree.
  static std::optional<BoardFacts> read(const std::filesystem::path& dtb);
};

}  // namespace host
