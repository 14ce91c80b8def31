// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <list>
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
#include "vmm/demands.hpp"
#include "vmm/host_resources.hpp"
#include "vmm/loader/image.hpp"

namespace host {

// Everything that can be known about VM files without booting them: what the hypervisor would say when it loads them,
// by the code that it says it with. VMs are judged in the order in which they would be made; what one has, the next
// does not get.
class Checker {
 public:
  Checker(vmm::GuestIsa isa, BundleFiles& files);

  void set_board(BoardFacts board);
  // True when the file is good. Reports errors as it finds them.
  bool check_vm(const ConfigText& file);
  // `bundled` are the names that VM files have in the bundle.
  bool check_host(const ConfigText& file, const std::set<std::string>& bundled);

 private:
  struct Vm {
    const ConfigText& file;
    const config::VmConfig& config;
    std::span<std::byte> arena;
    config::Diagnostics& errors;

    template <class... Arguments>
    void error(std::string_view key, hal::Pattern<std::type_identity_t<Arguments>...> pattern,
               const Arguments&... arguments) const;
  };

  void check_name(const Vm& vm);
  void check_files(const Vm& vm);
  void check_load(const Vm& vm);
  void check_demands(const Vm& vm);
  // The content of a file of the bundle that `key` names; null after reporting that it cannot be read.
  const std::string* content(const Vm& vm, std::string_view path, std::string_view key);
  void report(const Vm& vm, const vmm::LoadError& error, std::string_view region_key = {}) const;
  [[nodiscard]] uint64_t memory_of(const config::VmConfig& vm) const;

  vmm::GuestIsa isa_;
  const config::Board& map_;
  BundleFiles& files_;
  std::optional<BoardFacts> board_;
  vmm::Machine machine_;
  vmm::HostResources resources_;
  std::list<std::array<vmm::HostClaim, config::max_passthrough>> claims_;
  std::set<std::string> names_;
  std::unique_ptr<vmm::Inflater> inflater_;
};

}  // namespace host
