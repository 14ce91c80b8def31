// SPDX-License-Identifier: Apache-2.0
#include "vmm/lifecycle.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <optional>
#include <random>
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
    {{no, stopped, stopped, no, stopped, no}},                      // stop
    {{no, stopped, stopped, no, stopped, no}},                      // kill
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

// As the events of the user are asked for; what the guest does has no place in that.
constexpr vmm::VmOrder order_of(std::initializer_list<VmEvent> asked, uint32_t first = 1) {
  vmm::VmOrder order{};
  for (const VmEvent event : asked) order[static_cast<size_t>(event)] = first++;
  return order;
}

TEST(Lifecycle, takes_the_end_first_then_the_guest_then_what_was_asked_for_first) {
  EXPECT_EQ(vmm::most_urgent(0, {}), std::nullopt);
  EXPECT_EQ(vmm::most_urgent(1U << vmm::vm_events, {}), std::nullopt) << "what is no event";
  for (const VmEvent event : events) EXPECT_EQ(vmm::most_urgent(bit_of(event), {}), event);
  const auto first = [](VmEvent earlier, VmEvent later) {
    return *vmm::most_urgent(bit_of(earlier) | bit_of(later), order_of({earlier, later}));
  };
  EXPECT_EQ(first(VmEvent::restart, VmEvent::destroy), VmEvent::destroy);
  EXPECT_EQ(first(VmEvent::restart, VmEvent::kill), VmEvent::kill);
  EXPECT_EQ(first(VmEvent::suspend, VmEvent::crash), VmEvent::crash);
  EXPECT_EQ(first(VmEvent::stop, VmEvent::power_off), VmEvent::power_off) << "the guest was faster";
  EXPECT_EQ(first(VmEvent::stop, VmEvent::restart), VmEvent::stop);
  EXPECT_EQ(first(VmEvent::restart, VmEvent::stop), VmEvent::restart);
  EXPECT_EQ(vmm::most_urgent(bit_of(VmEvent::restart) | bit_of(VmEvent::stop),
                             order_of({VmEvent::restart, VmEvent::stop}, UINT32_MAX)),
            VmEvent::restart)
      << "when the numbers wrap around";
}

TEST(Lifecycle, forgets_what_was_asked_of_a_guest_that_somebody_ends) {
  const uint32_t both = bit_of(VmEvent::stop) | bit_of(VmEvent::restart);
  EXPECT_EQ(vmm::made_void(both, order_of({VmEvent::stop, VmEvent::restart}), VmEvent::restart), bit_of(VmEvent::stop));
  EXPECT_EQ(vmm::made_void(both, order_of({VmEvent::restart, VmEvent::stop}), VmEvent::restart), 0U);
  EXPECT_EQ(vmm::made_void(both, order_of({VmEvent::restart, VmEvent::stop}), VmEvent::stop), 0U);
  EXPECT_EQ(vmm::made_void(both | bit_of(VmEvent::crash), order_of({VmEvent::stop, VmEvent::restart, VmEvent::kill}),
                           VmEvent::kill),
            both);
}

TEST(Lifecycle, backs_off_twice_as_long_each_time_up_to_the_longest_pause) {
  constexpr uint64_t longest = 60'000;
  uint64_t expected = 1000;
  for (unsigned in_a_row = 0; in_a_row < 100; ++in_a_row) {
    EXPECT_EQ(vmm::back_off<uint64_t>(1000, longest, in_a_row), expected) << in_a_row;
    expected = std::min(2 * expected, longest);
  }
  EXPECT_EQ(vmm::back_off<uint64_t>(0, longest, 50), 0U);
  EXPECT_EQ(vmm::back_off<uint64_t>(1, 60'000'000'000, 40), 65'536U) << "so often that it says nothing any more";
  EXPECT_EQ(vmm::back_off<uint64_t>(longest, longest, 0), longest);
}

// A manager as Vm::serve() is one: a stop may wait for the guest's answer, and is asked again by nobody meanwhile.
struct Manager {
  VmState state = created;
  uint32_t wanted = 0;
  vmm::VmOrder order{};
  uint32_t asked = 0;
  bool stop_waits = false;

  bool request(VmEvent event) {
    if (!next_state(state, event)) return false;
    order[static_cast<size_t>(event)] = ++asked;
    wanted |= bit_of(event);
    return true;
  }
  void serve(bool guest_answers) {
    const uint32_t now = stop_waits && !guest_answers ? wanted & ~bit_of(VmEvent::stop) : wanted;
    const auto event = vmm::most_urgent(now, order);
    if (!event) return;
    if (event == VmEvent::stop && state == running && !stop_waits && !guest_answers) {
      stop_waits = true;
      return;
    }
    wanted &= ~(bit_of(*event) | vmm::made_void(wanted, order, *event));
    const auto next = next_state(state, *event);
    if (!next) return;
    state = *next;
    if (*event != VmEvent::suspend && *event != VmEvent::resume) stop_waits = false;
  }
};

TEST(Lifecycle, ends_where_the_users_events_lead_one_after_another) {
  constexpr std::array wishes{VmEvent::start,   VmEvent::stop,   VmEvent::kill,
                              VmEvent::suspend, VmEvent::resume, VmEvent::restart};
  std::mt19937 random(7);
  for (unsigned round = 0; round < 20'000; ++round) {
    Manager manager;
    VmState right = created;
    for (unsigned step = 0; step < 12; ++step) {
      const VmEvent event = wishes[random() % wishes.size()];
      if (manager.request(event)) right = next_state(right, event).value_or(right);
      while (random() % 2 == 0) manager.serve(random() % 4 == 0);
    }
    while (manager.wanted != 0) manager.serve(true);
    ASSERT_EQ(name(manager.state), name(right)) << "round " << round;
  }
}

// Whatever the guest does meanwhile.
TEST(Lifecycle, comes_to_rest_whatever_is_asked_for_in_whatever_order) {
  std::mt19937 random(5);
  for (unsigned round = 0; round < 2000; ++round) {
    VmState state = states[random() % 5];
    uint32_t wanted = 0;
    bool asked_to_end = false;
    for (unsigned step = 0; step < 40 || wanted != 0; ++step) {
      if (step < 40 && random() % 2 == 0) wanted |= random() % (1U << vmm::vm_events);
      asked_to_end |= (wanted & bit_of(VmEvent::destroy)) != 0;
      const auto event = vmm::most_urgent(wanted, {});
      if (!event) continue;
      if (const auto next = next_state(state, *event)) state = *next;
      wanted &= ~bit_of(*event);
      ASSERT_EQ(state == destroyed, asked_to_end) << "destroy waits for nobody, and nothing comes after it";
    }
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
