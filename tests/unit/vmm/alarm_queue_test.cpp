// SPDX-License-Identifier: Apache-2.0
#include "vmm/device/alarm_queue.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <optional>

namespace {

using vmm::AlarmQueue;
using vmm::DeviceTimer;

class Client final : public vmm::AlarmClient {
 public:
  void alarm() override {}
};

TEST(AlarmQueue, forgets_no_client_however_many_there_are) {
  AlarmQueue queue;
  std::deque<Client> clients(100);
  for (size_t i = 0; i < clients.size(); ++i) queue.set(1000 - i, clients[i]);
  EXPECT_EQ(queue.first(), 901U);
  queue.begin_round();
  size_t due = 0;
  while (queue.take_due(1000) != nullptr) ++due;
  EXPECT_EQ(due, clients.size());
  EXPECT_EQ(queue.first(), DeviceTimer::never);
}

TEST(AlarmQueue, gives_out_only_what_is_due) {
  AlarmQueue queue;
  Client early, late;
  queue.set(10, early);
  queue.set(20, late);
  queue.begin_round();
  EXPECT_EQ(queue.take_due(9), nullptr);
  EXPECT_EQ(queue.take_due(10), &early);
  EXPECT_EQ(queue.take_due(19), nullptr);
  EXPECT_EQ(queue.first(), 20U);
}

TEST(AlarmQueue, moves_and_cancels_an_alarm) {
  AlarmQueue queue;
  Client client;
  queue.set(10, client);
  queue.set(30, client);
  EXPECT_EQ(queue.first(), 30U);
  queue.set(DeviceTimer::never, client);
  EXPECT_EQ(queue.first(), DeviceTimer::never);
  queue.begin_round();
  EXPECT_EQ(queue.take_due(1'000'000), nullptr);
}

TEST(AlarmQueue, gives_out_a_client_once_in_a_round_though_its_guest_sets_it_again) {
  AlarmQueue queue;
  Client restless, other;
  queue.set(1, restless);
  queue.set(2, other);
  queue.begin_round();
  EXPECT_EQ(queue.take_due(5), &restless);
  queue.set(3, restless);
  EXPECT_EQ(queue.take_due(5), &other);
  EXPECT_EQ(queue.take_due(5), nullptr);
  EXPECT_EQ(queue.first(), 3U);
  queue.begin_round();
  EXPECT_EQ(queue.take_due(5), &restless);
}

TEST(AlarmQueue, gives_out_a_client_that_joined_after_a_round_in_the_next) {
  AlarmQueue queue;
  for (unsigned round = 0; round < 3; ++round) {
    Client fresh;
    queue.set(1, fresh);
    queue.begin_round();
    EXPECT_EQ(queue.take_due(1), &fresh);
  }
}

TEST(AlarmQueue, lets_go_of_a_client_that_is_destroyed) {
  AlarmQueue queue;
  std::optional<Client> client(std::in_place);
  queue.set(1, *client);
  client.reset();
  EXPECT_EQ(queue.first(), DeviceTimer::never);
}

}  // namespace
