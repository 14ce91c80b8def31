// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "hal/base/address.hpp"

// Start all of mm on a fake machine. mm::init() works once in the life of a program, and a test program has many tests:
// each finds the machine as the tests before left it, so tests compare counts before and after.
void start_mm();

inline constexpr hal::HostPhysRange fake_ram{hal::HostPhys(hal::gib), 2 * hal::gib};
// 64 KiB of text, 32 of read-only data, 32 of data, at the start of RAM.
inline constexpr hal::HostPhysRange fake_image{fake_ram.start, 128 * hal::kib};
inline constexpr hal::HostVirt fake_text{0x2000'0000'0000};
