// SPDX-License-Identifier: Apache-2.0
// Lock: `none`, alone.
#include "vmm/host_resources.hpp"

namespace vmm {
namespace {
constinit HostResources the_resources;
}

HostResources& host_resources() { return the_resources; }

void put(hal::TextSink& sink, const HostOwner& owner) {
  if (owner.use) {
    sink.put(hal::name(*owner.use));
  } else if (owner.vm.empty()) {
    sink.put("Plinth's own drivers");
  } else {
    hal::format(sink, "VM {}", owner.vm);
  }
}

void HostClaim::release() {
  if (resources_ == nullptr) return;
  const hal::LockGuard guard(resources_->lock_);
  unlink();
  resources_ = nullptr;
}

std::optional<HostOwner> HostResources::find_owner(hal::HostPhysRange range) {
  if (platform_ != nullptr) {
    if (const auto use = hal::use_of(*platform_, range)) return HostOwner{use, {}};
  }
  for (const HostClaim& claim : claims_) {
    if (claim.range_.overlaps(range)) return HostOwner{{}, claim.vm_};
  }
  return std::nullopt;
}

std::optional<HostOwner> HostResources::owner_of(hal::HostPhysRange range) {
  const hal::LockGuard guard(lock_);
  return find_owner(range);
}

std::optional<HostOwner> HostResources::claim(HostClaim& claim, hal::HostPhysRange range, std::string_view vm) {
  const hal::LockGuard guard(lock_);
  if (auto owner = find_owner(range)) return owner;
  claim.range_ = range;
  claim.vm_ = vm;
  claim.resources_ = this;
  claims_.push_back(claim);
  return std::nullopt;
}

}  // namespace vmm
