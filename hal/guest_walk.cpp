// SPDX-License-Identifier: Apache-2.0
#include "hal/guest_walk.hpp"

#include <algorithm>
#include <cstddef>
#include <span>

namespace hal {

void describe_walk(TextSink& sink, std::string_view what, GuestVirt address, const GuestWalk& walk,
                   GuestInspector& guest) {
  format(sink, "  {} {}: {}", what, address, walk.without_tables);
  for (unsigned n = 0; n < walk.count; ++n) {
    const GuestWalk::Step& step = walk.steps[n];
    format(sink, "{}level {} at {}: {:#x}", n == 0 ? "" : ", ", step.level, step.place, step.entry);
  }
  if (!walk.result) {
    sink.put(walk.count == 0 ? "in no table\n" : ", which leads nowhere\n");
    return;
  }
  if (walk.count != 0 || walk.result->value() != address.value()) format(sink, ", which is {}", *walk.result);
  sink.put("\n");
  guest.show_stage2(*walk.result);
}

void describe_code(TextSink& sink, GuestPhys pc, GuestReader& guest) {
  const GuestPhys page = pc.align_down(page_size);
  const GuestPhys from = std::max(page, pc - std::min<uint64_t>(pc.value(), 16));
  sink.put("  code");
  for (GuestPhys at = from; at < std::min(page + page_size, from + 32); at += 4) {
    uint32_t word = 0;
    if (!guest.read(at, std::as_writable_bytes(std::span(&word, 1)))) break;
    const bool here = at == pc;
    format(sink, " {}{:08x}{}", here ? "(" : "", word, here ? ")" : "");
  }
  sink.put("\n");
}

}  // namespace hal
