// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tools/host/bundle_files.hpp"
#include "tools/host/commands.hpp"
#include "tools/host/config_text.hpp"

namespace host {

// The configuration files of a command with its overrides applied, and the files they may name.
struct Inputs {
  std::optional<ConfigText> plinth;
  std::vector<ConfigText> vms;
  BundleFiles files;

  // What a VM file is called in the bundle, and what all of them are.
  [[nodiscard]] static std::string bundle_name(const ConfigText& vm);
  [[nodiscard]] std::set<std::string> bundled_vms() const;

  // Nothing, after a message, when something cannot be read, or an override is wrong or meets no VM. `plinth` may be
  // empty.
  static std::optional<Inputs> read(const CommonOptions& options, const std::string& plinth,
                                    const std::vector<std::string>& vms);
};

}  // namespace host
