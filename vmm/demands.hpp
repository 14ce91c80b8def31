// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "config/vm_config.hpp"
#include "vmm/host_resources.hpp"

// What a VM's file asks of the machine. One judge for both: the hypervisor asks it before it makes a VM, `plinth check`
// before anybody boots.
namespace vmm {

// What a machine can give, as far as it is known: the rest is not judged.
struct Machine {
  unsigned gic_version = 0;          // 0: unknown, or none
  uint64_t cpus = ~uint64_t{0};      // those that can run vCPUs, a bit each
  std::optional<uint16_t> sve_lengths{};  // of vectors: a bit per 128 bits, 0: no SVE; empty: unknown
  unsigned guest_address_bits = 64;  // that a guest's physical address can have
  uint64_t free_memory = ~uint64_t{0};
  bool has_pmu = true;  // performance monitors that guests can have, in every CPU
};

// A VM file after config::load_vm(): what it says, and where, for messages. `arena` is scratch memory.
struct VmFile {
  const config::VmConfig& config;
  const config::Board& board;
  std::string_view text;
  std::span<std::byte> arena;
};

// False after saying to `errors` which of the files that it names are nowhere. `has_file(name)` knows.
bool names_files_that_are_there(const VmFile& file, bool (*has_file)(void* context, std::string_view name),
                                void* context, config::Diagnostics& errors);

// False after saying to `errors` what the machine does not have. Claims nothing.
bool meets_demands(const VmFile& file, const Machine& machine, HostResources& resources, config::Diagnostics& errors);

}  // namespace vmm
