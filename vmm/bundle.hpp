// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "hal/base/address.hpp"
#include "hal/base/cpio.hpp"

namespace vmm {

// The archive that the boot loader handed over as an initrd: plinth.toml, VM files and guests' images. Read-only and
// there for good, so views into it never end.
class Bundle {
 public:
  // Look at the archive in `place`, which the firmware reported and nobody uses. False, with a line in the log, when
  // there is none or it is damaged: then every file is missing. Boot CPU, once.
  bool open(std::optional<hal::HostPhysRange> place, std::span<const hal::HostPhysRange> memory);

  [[nodiscard]] std::optional<std::span<const std::byte>> find(std::string_view name) const;
  [[nodiscard]] std::optional<std::string_view> find_text(std::string_view name) const;
  // Calls visit(name) for each VM file, vms/*.toml, in the archive's order.
  template <class Visit>
  void for_each_vm_file(Visit visit) const {
    if (!archive_) return;
    for (const hal::CpioEntry& entry : *archive_) {
      if (entry.is_file() && entry.name.starts_with("vms/") && entry.name.ends_with(".toml")) visit(entry.name);
    }
  }

 private:
  std::optional<hal::Cpio> archive_;
};

[[nodiscard]] Bundle& bundle();

}  // namespace vmm
