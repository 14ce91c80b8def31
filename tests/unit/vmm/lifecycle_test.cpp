// SPDX-License-Identifier: Apache-2.0
#include "vmm/lifecycle.hpp"

#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <set>

namespace {

using vmm::next_state;
using vmm::VmEvent;
using vmm::VmState;
using enum vmm::VmState;

constexpr std::array states{created, running, suspended, stopped, crashed, destroyed};
constexpr std::array events{VmEvent::start,   VmEvent::stop,    VmEvent::kill,      VmEvent::suspend, VmEvent::resume,
                            VmEvent::restart, VmEvent::destroy, VmEvent::power_off, VmEvent::reset,   VmEvent::crash};
static_assert(events.size() == vmm::vm_events);

// docs/lifecycle.md, written down a second time: a row for each event, a column for each state.
constexpr std::optional<VmState> no = std::nullopt;
constexpr std::array<std::array<std::optional<VmState>, states.size()>, events.size()> edges{{
    // created    running    suspended  stopped    crashed    destroyed
    {{running, no, no, running, running, no}},                      // start
    {{no, stopped, stopped, no, no, no}},                           // stop
    {{no, stopped, stopped, no, no, no}},                           // kill
    {{no, suspended, no, no, no, no}},                              // suspend
    {{no, no, running, no, no, no}},                                // resume
    {{running, running, running, running, running, no}},            // restart
    {{destroyed, destroyed, destroyed, destroyed, destroyed, no}},  // destroy
    {{no, stopped, stopped, no, no, no}},                           // power_off
    {{no, running, running, no, no, no}},                           // reset
    {{no, crashed, crashed, no, no, no}},                           // crash
}};

TEST(Lifecycle, takes_every_edge_of_its_table_and_no_other) {
  for (size_t event = 0; event < events.size(); ++event) {
    for (size_t state = 0; state < states.size(); ++state) {
      EXPECT_EQ(next_state(states[state], events[event]), edges[event][state])
          << name(events[event]) << " in " << name(states[state]);
    }
  }
}

TEST(Lifecycle, never_leaves_destroyed) {
  for (const VmEvent event : events) EXPECT_FALSE(next_state(destroyed, event)) << name(event);
}

TEST(Lifecycle, never_goes_back_to_created) {
  for (const VmEvent event : events) {
    for (const VmState state : states) EXPECT_NE(next_state(state, event), created) << name(event);
  }
}

TEST(Lifecycle, reaches_every_state_from_created) {
  std::set<VmState> reached{created};
  for (size_t before = 0; before != reached.size();) {
    before = reached.size();
    for (const VmState state : std::set(reached)) {
      for (const VmEvent event : events) {
        if (const auto next = next_state(state, event)) reached.insert(*next);
      }
    }
  }
  EXPECT_EQ(reached.size(), states.size());
}

TEST(Lifecycle, can_be_restarted_and_destroyed_in_every_state_but_the_last) {
  for (const VmState state : states) {
    if (state == destroyed) continue;
    EXPECT_EQ(next_state(state, VmEvent::restart), running) << name(state);
    EXPECT_EQ(next_state(state, VmEvent::destroy), destroyed) << name(state);
  }
}

TEST(Lifecycle, gives_every_state_and_event_a_name_of_its_own) {
  std::set<std::string_view> names;
  for (const VmState state : states) names.insert(name(state));
  EXPECT_EQ(names.size(), states.size());
  names.clear();
  for (const VmEvent event : events) names.insert(name(event));
  EXPECT_EQ(names.size(), events.size());
}

}  // namespace
