// SPDX-License-Identifier: Apache-2.0
#include "vmm/bundle.hpp"

#include <algorithm>

#include "hal/log.hpp"
#include "mm/frames.hpp"

namespace vmm {
namespace {
constinit Bundle the_bundle;
}

Bundle& bundle() { return the_bundle; }

bool Bundle::open(std::optional<hal::HostPhysRange> place, std::span<const hal::HostPhysRange> memory) {
  if (!place || place->empty()) {
    hal::log::error("no bundle: the boot loader passed no initrd, so there are no VMs (./plinth pack makes one)");
    return false;
  }
  if (std::ranges::none_of(memory, [&](const hal::HostPhysRange& range) { return range.contains(*place); })) {
    hal::log::error("no bundle: the initrd at {}, {}, is not in memory", place->start, hal::Size{place->size});
    return false;
  }
  const auto archive = hal::Cpio::open({mm::to_virt_as<const std::byte>(place->start), place->size});
  if (!archive) {
    hal::log::error("no bundle: the initrd is damaged or no newc archive: {} (./plinth pack makes one)",
                    archive.error());
    return false;
  }
  archive_ = *archive;
  return true;
}

std::optional<std::span<const std::byte>> Bundle::find(std::string_view name) const {
  if (!archive_) return std::nullopt;
  const auto entry = archive_->find(name);
  if (!entry) return std::nullopt;
  return entry->data;
}

std::optional<std::string_view> Bundle::find_text(std::string_view name) const {
  const auto data = find(name);
  if (!data) return std::nullopt;
  return std::string_view(reinterpret_cast<const char*>(data->data()), data->size());
}

}  // namespace vmm
