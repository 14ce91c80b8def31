// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "hal/base/bits.hpp"

// Fields that the load/store encodings share (Arm ARM C4.1.94, "Loads and Stores").
namespace arch::a64 {

using rt = hal::Field<4, 0, uint8_t>;
using rn = hal::Field<9, 5, uint8_t>;
using rt2 = hal::Field<14, 10, uint8_t>;
using rs = hal::Field<20, 16, uint8_t>;
using rm = hal::Field<20, 16, uint8_t>;
using size_field = hal::Field<31, 30>;
using opc = hal::Field<23, 22>;
using load_bit = hal::Field<22>;  // pairs, exclusives, structures
using imm7 = hal::Field<21, 15>;
using imm9 = hal::Field<20, 12>;
using imm12 = hal::Field<21, 10>;
using option = hal::Field<15, 13>;
using scale_bit = hal::Field<12>;

inline constexpr uint8_t stack_pointer = 31;

}  // namespace arch::a64
