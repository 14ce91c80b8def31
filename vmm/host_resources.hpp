// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "config/vm_config.hpp"
#include "hal/base/address.hpp"
#include "hal/base/list.hpp"
#include "hal/base/lock.hpp"
#include "hal/platform/platform_use.hpp"

// Everything physical has one owner: who has which range of the machine's addresses. What the machine itself uses (RAM,
// interrupt controllers, IOMMUs, the console) is never free; the rest belongs to whoever claims it first.
namespace vmm {

// Who has a range: a use of the machine's own, or a VM.
struct HostOwner {
  std::optional<hal::PlatformUse> use;
  config::VmName vm;  // where `use` is nothing; empty: drivers of ours
};
// "the machine's RAM", "VM linux".
void put(hal::TextSink& sink, const HostOwner& owner);

class HostResources;

// A range that is claimed, as long as this lives.
class HostClaim : public hal::ListNode<> {
 public:
  HostClaim() = default;
  ~HostClaim() { release(); }

  void release();

 private:
  friend class HostResources;
  HostResources* resources_ = nullptr;
  hal::HostPhysRange range_;
  config::VmName vm_;
};

// Lock: `none`, a leaf. Any context.
class HostResources {
 public:
  // Once, before anybody claims; without it, as on a machine that nobody knows, all but the claims is free.
  void set_platform(const hal::Platform& platform) { platform_ = &platform; }

  [[nodiscard]] std::optional<HostOwner> owner_of(hal::HostPhysRange range);
  // Nothing, and `claim` holds the range for the VM; or who has it, or a part of it, already.
  [[nodiscard]] std::optional<HostOwner> claim(HostClaim& claim, hal::HostPhysRange range, std::string_view vm);

 private:
  friend class HostClaim;
  std::optional<HostOwner> find_owner(hal::HostPhysRange range) PLINTH_REQUIRES(lock_);

  const hal::Platform* platform_ = nullptr;
  hal::SpinLock lock_{hal::LockRank::none};
  hal::List<HostClaim> claims_ PLINTH_GUARDED_BY(lock_);
};

// The machine's.
[[nodiscard]] HostResources& host_resources();

}  // namespace vmm
