// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "config/host_config.hpp"
#include "config/vm_config.hpp"
#include "tools/host/board_facts.hpp"
#include "tools/host/bundle_files.hpp"
#include "tools/host/config_text.hpp"
#include "vmm/loader/image.hpp"

namespace host {

// Everything that can be known about VM files without booting them: what the hypervisor would say when it loads them,
// whether the files they name are there and fit, and whether a board has what they ask for, all together.
class Checker {
 public:
  Checker(vmm::GuestIsa isa, BundleFiles& files);

  void set_board(BoardFacts board) { board_ = std::move(board); }
  // True when the file is good. Reports errors as it finds them.
  bool check_vm(const ConfigText& file);
  bool check_host(const ConfigText& file);
  // What the VMs checked so far take together.
  bool check_together() const;

 private:
  struct Vm {
    const ConfigText& file;
    const config::VmConfig& config;
    config::Diagnostics& errors;
  };

  void check_files(const Vm& vm);
  void check_kernel(const Vm& vm);
  void check_own_tree(const Vm& vm);
  void check_regions(const Vm& vm);
  void check_against_board(const Vm& vm) const;
  // The content of a file of the bundle that the key at `key` names; null after reporting that it is missing.
  const std::string* content(const Vm& vm, std::string_view path, const std::string& key);
  [[nodiscard]] uint64_t memory_of(const config::VmConfig& vm) const;

  vmm::GuestIsa isa_;
  const config::Board& map_;
  BundleFiles& files_;
  std::optional<BoardFacts> board_;
  std::set<std::string> names_;
  uint64_t memory_ = 0;
  std::unique_ptr<vmm::Inflater> inflater_;
};

}  // namespace host
