// SPDX-License-Identifier: Apache-2.0
#include "vmm/wall_clock.hpp"

#include <atomic>

#include "hal/driver/rtc.hpp"
#include "hal/timer.hpp"
#include "hal/virtualization.hpp"
#include "mm/host_space.hpp"

namespace vmm {
namespace {

constinit uint64_t epoch = 0;
constinit std::atomic<uint64_t> random_state{0};

// SplitMix64: a bijective mix of a counter, so that no two calls agree.
uint64_t mix(uint64_t x) {
  x = (x ^ x >> 30) * 0xbf58'476d'1ce4'e5b9;
  x = (x ^ x >> 27) * 0x94d0'49bb'1331'11eb;
  return x ^ x >> 31;
}

}  // namespace

void start_wall_clock() {
  const hal::Platform& machine = hal::platform();
  random_state = machine.random_seed.value_or(0) ^ mix(hal::Timer::now());
  if (!machine.rtc) return;
  const auto registers = mm::map_device(machine.rtc->registers.start, machine.rtc->registers.size);
  if (!registers) return;
  epoch = hal::driver::read_clock(machine.rtc->kind, *registers) - hal::Timer::now() / hal::Timer::frequency();
}

uint64_t epoch_at_tick_zero() { return epoch; }

void fill_random(std::span<std::byte> bytes) {
  constexpr uint64_t golden_ratio = 0x9e37'79b9'7f4a'7c15;
  for (size_t i = 0; i < bytes.size(); ++i) {
    const uint64_t word = mix(random_state.fetch_add(golden_ratio, std::memory_order_relaxed) ^ hal::Timer::now());
    bytes[i] = static_cast<std::byte>(word);
  }
}

}  // namespace vmm
