// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

#include "hal/base/lock.hpp"
#include "hal/base/random_stream.hpp"
#include "vmm/device/random_source.hpp"

namespace vmm {

// Random bytes for whoever wants them: a guest's seeds and devices, the hypervisor itself. A lock around a stream that
// each call stirs. Every VM has its own, so that what one is given says nothing of what another is.
class Entropy final : public RandomSource {
 public:
  constexpr Entropy() = default;
  explicit Entropy(hal::RandomStream stream) : stream_(stream) {}
  Entropy(const Entropy&) = delete;
  Entropy& operator=(const Entropy&) = delete;

  void fill(std::span<std::byte> bytes) override;
  // Make what comes depend on these bytes too. They need not be secret.
  void mix(std::span<const std::byte> bytes);
  [[nodiscard]] hal::RandomStream fork();

 private:
  void stir() PLINTH_REQUIRES(lock_);

  hal::SpinLock lock_{hal::LockRank::none};
  hal::RandomStream stream_ PLINTH_GUARDED_BY(lock_);
};

// The machine's, of which all others are children.
[[nodiscard]] Entropy& machine_entropy();
// Collect what the firmware left, what the CPU has, and how long things take. Boot CPU, once, before VMs are made.
void start_entropy();
// Did firmware or CPU give anything then?
[[nodiscard]] bool machine_has_entropy();

}  // namespace vmm
