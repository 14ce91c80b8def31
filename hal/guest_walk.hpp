// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "hal/base/address.hpp"
#include "hal/base/format.hpp"
#include "hal/guest_inspector.hpp"

namespace hal {

// How a guest translates one address, as arch/ found it in the guest's registers and tables.
struct GuestWalk {
  struct Step {
    unsigned level;  // as the architecture counts
    GuestPhys place;
    uint64_t entry;
  };
  std::string_view without_tables{};  // in words, why no table is looked at; empty: one is
  std::array<Step, 5> steps{};
  unsigned count = 0;
  std::optional<GuestPhys> result{};  // where the address leads
};

// For a report on a vCPU: the walk of `address`, which is the vCPU's `what`, in one line, and stage 2's part behind it.
void describe_walk(TextSink& sink, std::string_view what, GuestVirt address, const GuestWalk& walk,
                   GuestInspector& guest);
// Up to eight instructions around the PC that lie in its page.
void describe_code(TextSink& sink, GuestPhys pc, GuestReader& guest);

}  // namespace hal
