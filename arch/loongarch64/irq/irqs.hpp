// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "hal/platform/loongarch.hpp"

namespace arch::irqs {

enum class SetupError : uint8_t { none, not_described, no_memory };
[[nodiscard]] std::string_view explain(SetupError error);

// The controllers that all CPUs share. Boot CPU, once.
[[nodiscard]] SetupError set_up(const hal::LoongArchPlatform& machine);
// Let the lines that the hypervisor serves through on the executing CPU: timer, messages from CPUs, devices.
void join_cpu();

// Hand on what is pending here, each once. False: nothing was.
bool dispatch();

}  // namespace arch::irqs
