// SPDX-License-Identifier: Apache-2.0
#include "vmm/post_mortem.hpp"

#include <algorithm>
#include <cstring>

#include "hal/mmu.hpp"
#include "hal/timer.hpp"
#include "vmm/vm.hpp"

namespace vmm {
namespace {

using hal::format;

constexpr std::string_view cut_off = "\n(the rest did not fit)\n";

// The VM's memory as arch/ sees it, and its stage 2.
class Inspector final : public hal::GuestInspector {
 public:
  Inspector(hal::TextSink& sink, Vm& vm) : sink_(sink), vm_(vm) {}

  bool read(hal::GuestPhys from, std::span<std::byte> to) override {
    return vm_.space().read(from, to, mm::GuestSpace::As::owner).ok();
  }

  void show_stage2(hal::GuestPhys place) override {
    const mm::TableWalk walk = vm_.space().walk(place);
    const hal::Mmu::GuestFormat tables = hal::Mmu::guest_format();
    format(sink_, "    stage 2 of {}:", place);
    for (hal::TableLevel level = walk.first;; --level) {
      const mm::TableWalk::Step& step = walk.steps[level];
      format(sink_, " {}[{}] {:#x}", step.table, step.index, step.entry);
      if (level == walk.last) break;
      sink_.put(",");
    }
    const uint64_t entry = walk.steps[walk.last].entry;
    if (!tables.is_leaf(entry, walk.last)) {
      sink_.put(vm_.bus().find(place) != nullptr ? ", an emulated device\n" : ", nothing\n");
      return;
    }
    const hal::PageAttributes attributes = tables.attributes(entry, walk.last);
    const hal::Rights rights = attributes.rights;
    format(sink_, ", {} at {}, {}{}{} {}\n", hal::Size{hal::entry_span(walk.last)}, tables.address(entry, walk.last),
           rights.read ? 'r' : '-', rights.write ? 'w' : '-', rights.execute ? 'x' : '-', attributes.memory);
  }

 private:
  hal::TextSink& sink_;
  Vm& vm_;
};

void put_vcpu(hal::TextSink& sink, Vm& vm, const Vcpu& vcpu) {
  const bool crashed = vm.crashed_vcpu() == &vcpu;
  if (!crashed && !vcpu.is_on()) return format(sink, "vcpu {}: off\n", vcpu.index());
  format(sink, "vcpu {}: {}\n", vcpu.index(), crashed ? "crashed" : "on");
  Inspector inspector(sink, vm);
  vcpu.report(sink, inspector);
  sink.put("  exits:");
  for (size_t i = 0; i < hal::exit_classes; ++i) {
    const auto exit_class = static_cast<ExitClass>(i);
    format(sink, " {} {}", exit_class, vcpu.exits(exit_class));
  }
  sink.put("\n");
  vcpu.observer.for_each_last([&](const ExitObserver::Exit& exit) {
    format(sink, "  exit at {:#x}: {}", exit.pc, exit.exit_class);
    if (exit.syndrome != 0) {
      sink.put(", ");
      Vcpu::describe_syndrome(sink, exit.syndrome);
    }
    sink.put("\n");
  });
}

}  // namespace

void write_report(hal::TextSink& sink, std::string_view state, Vm& vm) {
  const uint64_t ms = hal::nanoseconds(vm.since_start()) / 1'000'000;
  format(sink, "{} {}, {}.{:03} s after its start number {}", vm.name(), state, ms / 1000, ms % 1000, vm.starts());
  const auto last_words = vm.last_words();
  format(sink, "{}{}\n", last_words.view().empty() ? "" : ": ", last_words.view());
  // The most telling first: of a VM with many vCPUs there may not be room for all.
  const Vcpu* const crashed = vm.crashed_vcpu();
  if (crashed != nullptr) put_vcpu(sink, vm, *crashed);
  sink.put("last output:\n");
  vm.console().put_kept(sink, 1024);
  for (unsigned i = 0; i < vm.vcpus().count; ++i) {
    if (vm.vcpus().list[i].get() != crashed) put_vcpu(sink, vm, *vm.vcpus().list[i]);
  }
  vm.board().report(sink);
}

hal::Result<mm::OwnedFrames, mm::MmError> PostMortem::reserve(unsigned vcpus) {
  const size_t size = std::min<size_t>((vcpus + 1) * 4 * hal::kib, 64 * hal::kib);
  return mm::OwnedFrames::allocate(mm::frames(), mm::order_for(size), mm::FrameUse::heap);
}

void PostMortem::take(Vm& vm, std::string_view state) {
  {
    const hal::LockGuard guard(lock_);
    ++crashes_;
    length_ = 0;
  }
  const std::span<std::byte> room = room_.bytes();
  char* const text = reinterpret_cast<char*>(room.data());
  hal::BufferSink sink({text, room.size() - cut_off.size()});
  write_report(sink, state, vm);
  size_t length = sink.text().size();
  if (sink.truncated()) {
    std::memcpy(text + length, cut_off.data(), cut_off.size());
    length += cut_off.size();
  }
  const hal::LockGuard guard(lock_);
  length_ = length;
}

size_t PostMortem::read(Cursor& cursor, std::span<char> bytes) const {
  const hal::LockGuard guard(lock_);
  if (cursor.position == 0) cursor.crash = crashes_;
  if (cursor.crash != crashes_ || cursor.position >= length_) return 0;
  const size_t count = std::min(bytes.size(), length_ - cursor.position);
  std::memcpy(bytes.data(), room_.bytes().data() + cursor.position, count);
  cursor.position += count;
  return count;
}

}  // namespace vmm
