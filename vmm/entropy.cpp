// SPDX-License-Identifier: Apache-2.0
#include "vmm/entropy.hpp"

#include <algorithm>
#include <array>

#include "hal/entropy.hpp"
#include "hal/mmu.hpp"
#include "hal/timer.hpp"
#include "hal/virtualization.hpp"

namespace vmm {
namespace {

constinit Entropy the_entropy;
constinit bool has_entropy = false;  // written once, at boot

// When each of many accesses to memory is over. What is published has left the caches, so that it and the instructions
// behind it come from memory again, which has a clock and refresh cycles of its own. How much that is worth nobody
// knows; on a machine that is deterministic it is worth nothing.
std::array<std::byte, 256> memory_latencies() {
  std::array<std::byte, 256> times{};
  for (std::byte& time : times) {
    hal::Mmu::publish_to_guest(&time, sizeof(time));
    time ^= static_cast<std::byte>(hal::Timer::now());
  }
  return times;
}

}  // namespace

Entropy& machine_entropy() { return the_entropy; }
bool machine_has_entropy() { return has_entropy; }

void Entropy::stir() {
  stream_.mix(hal::Timer::now());
  if (const auto number = hal::hardware_random()) stream_.mix(*number);
}

// In pieces: the lock is held for microseconds.
void Entropy::fill(std::span<std::byte> bytes) {
  constexpr size_t piece = 256;
  while (!bytes.empty()) {
    const auto now = bytes.first(std::min(bytes.size(), piece));
    {
      const hal::LockGuard guard(lock_);
      stir();
      stream_.fill(now);
    }
    bytes = bytes.subspan(now.size());
  }
}

void Entropy::mix(std::span<const std::byte> bytes) {
  const hal::LockGuard guard(lock_);
  stir();
  stream_.mix(bytes);
}

hal::RandomStream Entropy::fork() {
  const hal::LockGuard guard(lock_);
  stir();
  return stream_.fork();
}

void start_entropy() {
  const auto& seed = hal::platform().random_seed;
  the_entropy.mix(std::span(seed.begin(), seed.size()));
  has_entropy = !seed.empty() || hal::hardware_random();
  // The firmware gave nothing and the CPU has nothing.
  if (!has_entropy) the_entropy.mix(memory_latencies());
}

}  // namespace vmm
