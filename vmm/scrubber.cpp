// SPDX-License-Identifier: Apache-2.0
#include "vmm/scrubber.hpp"

#include "hal/timer.hpp"
#include "mm/frames.hpp"
#include "task/timer.hpp"
#include "vmm/console/bell.hpp"

namespace vmm {
namespace {

constinit TaskBell bell;

// A piece, and a rest that is so many times as long.
void scrub_piece(unsigned rest) {
  const hal::Ticks start = hal::Timer::now();
  (void)mm::frames().scrub_some(256 * hal::kib);
  const hal::Ticks end = hal::Timer::now();
  task::sleep_until(end + (end - start) * rest);
}

void run(void*) {
  while (true) {
    while (mm::frames().counts().dirty != 0) scrub_piece(15);
    bell.wait_until(hal::never);
  }
}

}  // namespace

hal::Result<void, task::TaskError> start_scrubber() {
  TRY(task::spawn(
      {.name = "scrubber", .entry = run, .scheduling = {.scheduling_class = task::SchedulingClass::service}}));
  return {};
}

void scrub_soon() { bell.ring(); }

void scrub_until_free(uint64_t bytes) {
  while (true) {
    const mm::FrameCounts counts = mm::frames().counts();
    if (counts.free * hal::page_size >= bytes || counts.dirty == 0) return;
    scrub_piece(1);
  }
}

}  // namespace vmm
