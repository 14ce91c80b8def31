// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>

#include "hal/platform/platform.hpp"
#include "vmm/demands.hpp"

namespace host {

// What a board's device tree says that VM files can ask too much of.
struct BoardFacts {
  hal::Platform platform;
  vmm::Machine machine;

  // Nothing, after a message, when the file is not a good device tree.
  static std::optional<BoardFacts> read(const std::filesystem::path& dtb);
};

}  // namespace host
