// SPDX-License-Identifier: Apache-2.0
// The scheduler on CPUs that really run at the same time. Each test ends only if no wake-up is lost, no task runs twice
// and none is freed too early; AddressSanitizer watches.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include "hal/boot_memory.hpp"
#include "mm/frames.hpp"
#include "mm/heap.hpp"
#include "mm/host_space.hpp"
#include "task/cpu.hpp"
#include "task/task.hpp"
#include "task/timer.hpp"
#include "tests/fakes/fiber.hpp"
#include "tests/fakes/threads.hpp"

namespace {

constexpr unsigned fake_cpus = 4;
constexpr hal::Ticks microsecond = 1000;

// The test's own code is a task, too.
struct Root {
  void (*body)() = nullptr;
  std::atomic<bool> done{false};
};

fake::ThreadedMachine& machine() {
  static fake::ThreadedMachine* const the_machine = [] {
    arch::Mmu::reset();
    const hal::HostPhysRange all{hal::HostPhys(hal::gib), 256 * hal::mib};
    const std::array ram{all};
    mm::init({.ram = ram,
              .usable = ram,
              .boot_free = {all.start, 2 * hal::mib},
              .image = all.end(),
              .text = {},
              .rodata = {},
              .data = {},
              .identity = {}})
        .value();
    auto* const fresh = new fake::ThreadedMachine(fake_cpus);
    for (hal::CpuIndex index = 0; index < fake_cpus; ++index) (void)task::prepare_cpu(index).value();
    return fresh;
  }();
  return *the_machine;
}

task::Task* spawn(void (*entry)(void*), void* argument, task::CpuSet cpus = task::CpuSet::all()) {
  return task::spawn({.name = "job", .entry = entry, .argument = argument, .cpus = cpus, .stack_size = 4096}).value();
}

// CPU 0 comes up with the root task; the test thread waits outside the machine.
void run(void (*body)()) {
  static Root root;
  static std::atomic<bool> go{false};
  static std::atomic<unsigned> cpus_up{0};
  static bool started = false;
  root.body = body;
  root.done = false;
  if (!started) {
    started = true;
    for (hal::CpuIndex index = 0; index < fake_cpus; ++index) {
      machine().start(index, [index] {
        task::enter_cpu(*task::cpu(index));
        if (index == 0) {
          (void)task::spawn({.name = "root",
                             .entry =
                                 [](void*) {
                                   while (true) {
                                     while (!go.exchange(false))
                                       task::sleep_until(hal::Timer::now() + 200 * microsecond);
                                     const mm::HeapCounts heap = mm::heap_counts();
                                     const mm::FrameCounts frames = mm::frames().counts();
                                     root.body();
                                     EXPECT_EQ(mm::heap_counts(), heap);
                                     EXPECT_EQ(mm::frames().counts(), frames);
                                     root.done = true;
                                   }
                                 }})
              .value();
        }
        for (int i = 0; i < 20; ++i) task::join(*spawn([](void*) {}, nullptr));
        ++cpus_up;
        task::run();
      });
    }
  }
  while (cpus_up != fake_cpus) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  go = true;
  while (!root.done) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

TEST(Threads, lose_no_wake_up_between_two_tasks) {
  run([] {
    struct Ball {
      task::WaitQueue queue;
      std::atomic<unsigned> hits{0};
    } ball;
    static constexpr unsigned total = 4000;
    static constexpr auto play = [](Ball& with, unsigned side) {
      while (true) {
        with.queue.wait([&] { return with.hits % 2 == side || with.hits >= total; });
        if (with.hits >= total) break;
        ++with.hits;
        with.queue.wake_one();
      }
      with.queue.wake_all();
    };
    task::Task* const even = spawn([](void* b) { play(*static_cast<Ball*>(b), 0); }, &ball, task::CpuSet::only(1));
    task::Task* const odd = spawn([](void* b) { play(*static_cast<Ball*>(b), 1); }, &ball, task::CpuSet(0b1100));
    task::join(*even);
    task::join(*odd);
    EXPECT_GE(ball.hits, total);
  });
}

TEST(Threads, hand_each_item_to_one_task) {
  run([] {
    struct Shop {
      task::WaitQueue queue;
      std::atomic<int> items{0};
      std::atomic<int> produced{0};
      std::atomic<int> consumed{0};
      std::atomic<unsigned> seed{1};
    } shop;
    static constexpr int total = 3000;
    static constexpr auto consume = [](void* argument) {
      Shop& at = *static_cast<Shop*>(argument);
      std::mt19937 random(at.seed++);
      bool closed = false;
      while (!closed) {
        // Runs under the queue's lock: taking the item is part of the condition.
        const auto take = [&] {
          if (at.items > 0) return --at.items, ++at.consumed, true;
          return closed = at.produced == total, closed;
        };
        if (random() % 2 == 0) {
          at.queue.wait(take);
        } else {
          (void)at.queue.wait_until(hal::Timer::now() + random() % (300 * microsecond), take);
        }
        if (random() % 8 == 0) task::yield();
        if (task::resched_needed()) task::reschedule();
      }
    };
    static constexpr auto produce = [](void* argument) {
      Shop& at = *static_cast<Shop*>(argument);
      std::mt19937 random(at.seed++);
      for (int i = 0; i < total / 2; ++i) {
        ++at.items;
        ++at.produced;
        at.queue.wake_one();
        if (random() % 16 == 0) task::sleep_until(hal::Timer::now() + random() % (200 * microsecond));
        if (random() % 8 == 0) fake::run_guest(random() % (50 * microsecond));
        if (task::resched_needed()) task::reschedule();
      }
    };
    std::vector<task::Task*> tasks;
    for (unsigned i = 0; i < 5; ++i) tasks.push_back(spawn(consume, &shop, task::CpuSet(1 + (i * 5 + 6) % 15)));
    for (unsigned i = 0; i < 2; ++i) tasks.push_back(spawn(produce, &shop));
    // The last ones may all be waiting when the shop closes.
    while (shop.produced != total) task::sleep_until(hal::Timer::now() + 500 * microsecond);
    while (shop.items > 0) task::sleep_until(hal::Timer::now() + 500 * microsecond);
    shop.queue.wake_all();
    for (task::Task* const one : tasks) task::join(*one);
    EXPECT_EQ(shop.consumed, total);
  });
}

TEST(Threads, create_and_end_tasks_on_all_cpus_at_once) {
  run([] {
    static constexpr auto parent = [](void*) {
      std::mt19937 random(7);
      for (int i = 0; i < 60; ++i) {
        static constexpr auto child = [](void* delay) {
          const auto ticks = reinterpret_cast<uintptr_t>(delay);
          if (ticks % 2 == 0) task::sleep_until(hal::Timer::now() + ticks);
        };
        task::join(*spawn(child, reinterpret_cast<void*>(random() % (100 * microsecond))));
      }
    };
    std::vector<task::Task*> parents;
    for (unsigned i = 0; i < fake_cpus; ++i) parents.push_back(spawn(parent, nullptr));
    for (task::Task* const one : parents) task::join(*one);
  });
}

}  // namespace
