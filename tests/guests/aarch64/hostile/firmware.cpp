// SPDX-License-Identifier: Apache-2.0
#include "attacks.hpp"
#include "cpu.hpp"
#include "psci.hpp"
#include "psci_start.hpp"
#include "smp.hpp"
#include "trap.hpp"

using namespace guest;

namespace hostile {

namespace {
// Calls that would end the attack by doing what they are meant to do.
bool ends_us(uint32_t function) {
  switch (function & ~0x4000'0000u) {
    case 0x8400'0001:  // CPU_SUSPEND
    case psci::cpu_off:
    case psci::system_off:
    case psci::system_reset:
    case 0x8400'0012:  // SYSTEM_RESET2
    case 0x8400'000e:  // SYSTEM_SUSPEND
    case 0x8400'000c:  // CPU_DEFAULT_SUSPEND
    case 0x8400'0005:  // MIGRATE
    case psci::cpu_on_32: return true;
    default: return false;
  }
}

uint32_t some_function(Noise& noise) {
  switch (noise.below(4)) {
    case 0: return static_cast<uint32_t>(noise());
    case 1: return 0x8400'0000u | static_cast<uint32_t>(noise.below(128));
    case 2: return 0xc400'0000u | static_cast<uint32_t>(noise.below(128));
    default: return 0x8000'0000u | static_cast<uint32_t>(noise.below(64) << 24 | noise.below(0x10000));
  }
}
}  // namespace

void call_anything() {
  Noise noise{8};
  for (unsigned i = 0; i < 50'000; ++i) {
    const uint32_t function = some_function(noise);
    if (ends_us(function)) continue;
    const auto conduit = i % 2 == 0 ? psci::Conduit::hvc : psci::Conduit::smc;
    (void)attempt([&] { (void)psci::call(function, noise(), noise(), noise(), conduit); });
    ++deeds;
  }
  // CPU_ON with every kind of nonsense: no CPU by that name, no code at that address.
  for (unsigned i = 0; i < 5'000; ++i) {
    const uint64_t target = noise.below(2) == 0 ? noise() | 0x10'0000 : 0;
    (void)psci::call(psci::cpu_on, target, noise(), noise());
  }
}

// CPUs that come and go as fast as the hypervisor lets them; never ends.
void start_and_stop_forever() {
  const unsigned cpus = smp::count();
  while (true) {
    for (unsigned cpu = 1; cpu < cpus; ++cpu) {
      if (smp::is_off(cpu)) (void)smp::start(cpu, [](uint64_t) {}, 0);
    }
    (void)psci::call(psci::cpu_on, 0, smp::entry_address(), 0);
    (void)psci::call(psci::version);
  }
}

}  // namespace hostile
