// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "hal/base/fdt.hpp"
#include "hal/platform/arm.hpp"
#include "hal/platform/platform.hpp"

namespace host {

// A board as the hypervisor finds it in its device tree: by the hypervisor's own discovery.
struct Board {
  hal::Platform platform;
  hal::ArmPlatform arm;
  // What discovery looked at, but what the hypervisor itself has no use for.
  std::string console_compatible;  // of the node that is the console, driven or not; empty: there is none
  std::string console_path;
  std::string console_choice;
  std::vector<std::string> iommus;  // what they call themselves
  uint64_t memory = 0;              // bytes; 0: firmware fills it in

  // Nothing, after a message, when the file is no good device tree.
  static std::optional<Board> read(const std::filesystem::path& dtb);
  static Board of(const hal::Fdt& fdt);
};

// What is missing for the board to do all it can.
enum class Gap : uint8_t { console, gic, timer, cpus };
struct Missing {
  Gap gap;
  std::string why;
};
// In the order of the enumeration, at most one of each.
std::vector<Missing> missing(const Board& board);
// What a person loses by it.
std::string_view consequence(Gap gap);
std::string_view name(Gap gap);

// How the CPUs other than the first are started: "PSCI by SMC", "spin table" ...
std::string_view start_method(const Board& board);

// Everything found, as a table for people, or as one JSON object. `label` is what the board is called: its file.
std::string table_of(const Board& board, const std::string& label);
std::string json_of(const Board& board, const std::string& label);

}  // namespace host
