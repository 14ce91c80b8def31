// SPDX-License-Identifier: Apache-2.0
#include "vmm/trace.hpp"

#include <algorithm>
#include <bit>

#include "hal/base/bits.hpp"
#include "vmm/stats.hpp"

namespace vmm {

namespace {

// Tracer::Record::what.
using detail_field = hal::Field<31, 0, uint32_t>;
using event_field = hal::Field<39, 32, TraceEvent>;
using vcpu_field = hal::Field<47, 40, uint8_t>;
using vm_field = hal::Field<63, 48, uint16_t>;

}  // namespace

std::string_view name(TraceEvent event) {
  static constexpr std::array<std::string_view, trace_events> names{"run",  "leave",  "exit", "enter", "device",
                                                                    "call", "inject", "wait", "wake",  "state"};
  const auto index = static_cast<size_t>(event);
  return index < names.size() ? names[index] : "unknown";
}

bool Tracer::start(std::span<Record> storage, unsigned cpus) {
  stop();
  if (cpus == 0 || cpus > rings_.size() || storage.size() / cpus < 2) return false;
  cpus_ = cpus;
  capacity_ = std::bit_floor(storage.size() / cpus);
  for (unsigned cpu = 0; cpu < cpus; ++cpu) {
    rings_[cpu].records = storage.data() + cpu * capacity_;
    rings_[cpu].written.store(0, std::memory_order_relaxed);
  }
  enabled_.store(true, std::memory_order_release);
  return true;
}

void Tracer::put(hal::CpuIndex cpu, uint64_t ticks, TraceSubject subject, TraceEvent event, uint32_t detail,
                 uint64_t argument) {
  if (!enabled_.load(std::memory_order_acquire) || cpu >= cpus_) return;
  Ring& ring = rings_[cpu];
  const uint64_t written = ring.written.load(std::memory_order_relaxed);
  Record& record = ring.records[written & (capacity_ - 1)];
  const uint64_t what =
      vm_field::of(subject.vm) | vcpu_field::of(subject.vcpu) | event_field::of(event) | detail_field::of(detail);
  record.ticks.store(ticks, std::memory_order_relaxed);
  record.what.store(what, std::memory_order_relaxed);
  record.argument.store(argument, std::memory_order_relaxed);
  ring.written.store(written + 1, std::memory_order_release);
}

// The oldest one may be on its way out: its CPU can have passed its trace point just before tracing was stopped.
uint64_t Tracer::kept(const Ring& ring) const {
  return std::min(ring.written.load(std::memory_order_acquire), capacity_ - 1);
}

void Tracer::dump(hal::TextSink& sink, uint64_t frequency) const {
  hal::format(sink, "trace begin frequency={} cpus={}\n", frequency, cpus_);
  uint64_t records = 0;
  uint64_t lost = 0;
  for (hal::CpuIndex cpu = 0; cpu < cpus_; ++cpu) {
    const uint64_t count = kept(rings_[cpu]);
    records += count;
    lost += rings_[cpu].written.load(std::memory_order_relaxed) - count;
    dump_ring(sink, cpu);
  }
  hal::format(sink, "trace end records={} lost={}\n", records, lost);
}

void Tracer::dump_ring(hal::TextSink& sink, hal::CpuIndex cpu) const {
  const Ring& ring = rings_[cpu];
  const uint64_t count = kept(ring);
  const uint64_t end = ring.written.load(std::memory_order_acquire);
  for (uint64_t i = end - count; i < end; ++i) {
    const Record& record = ring.records[i & (capacity_ - 1)];
    const uint64_t what = record.what.load(std::memory_order_relaxed);
    const TraceEvent event = event_field::get(what);
    const uint32_t detail = detail_field::get(what);
    hal::format(sink, "trace {} {} {}.{} {} ", cpu, record.ticks.load(std::memory_order_relaxed), vm_field::get(what),
                vcpu_field::get(what), event);
    if (event == TraceEvent::exit && detail < hal::exit_classes) {
      hal::format(sink, "{}", static_cast<ExitClass>(detail));
    } else {
      hal::format(sink, "{:#x}", detail);
    }
    hal::format(sink, " {:#x}\n", record.argument.load(std::memory_order_relaxed));
  }
}

}  // namespace vmm
