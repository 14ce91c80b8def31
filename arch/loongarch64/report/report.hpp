// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "hal/base/format.hpp"

// Exceptions and modes in words. Touches no CPU: tested on the host.
namespace arch {

// ESTAT.Ecode and EsubCode (vol. 1, table 7-8; LVZ). Empty: none that has a name here.
[[nodiscard]] std::string_view cause_of(uint64_t estat);

// An ESTAT on one line, without its end: "0x20000: store to a page that is not mapped (PIS)".
void describe_syndrome(hal::TextSink& sink, uint64_t estat);
// "PLV0 ie PG": a CRMD, with a capital for each bit that is set.
void describe_status(hal::TextSink& sink, uint64_t crmd);

}  // namespace arch
