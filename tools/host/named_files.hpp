// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "tools/host/config_text.hpp"

namespace host {

// What a VM file asks for: its memory, and files of the bundle. Nothing where the file is not good: whoever checks it says why.
struct NamedFiles {
  std::string vm;
  uint64_t memory = 0;  // bytes
  bool restarts = false;  // after a crash
  std::string kernel;
  std::set<std::string> all;  // the kernel too

  static NamedFiles of(const ConfigText& file, bool loongarch64);
};

}  // namespace host
