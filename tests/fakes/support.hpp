// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

namespace fake {

// What the CPU that this thread stands for does in hal::cpu_relax(), beside waiting.
extern thread_local std::function<void()> while_waiting;

}  // namespace fake
