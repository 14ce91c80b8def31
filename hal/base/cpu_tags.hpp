// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "hal/base/bits.hpp"
#include "hal/base/tag_allocator.hpp"

namespace hal {

// A TLB tag that means something on one CPU only, the one that gave it out last. Touched by whoever runs what it is
// for.
struct CpuTag {
  uint64_t value = 0;  // generation | identifier, as that CPU counts; identifier 0: none
  unsigned cpu = 0;

  // What any TLB holds under this tag is never used again.
  void drop() { value = 0; }
};

// Identifiers 1..2^bits-1 for tags of single CPUs: a translation whose tag must not be the one it had before it moved
// (LoongArch stage 1: the guest invalidates on the CPU it runs on, so elsewhere older entries may be left). A tag gets
// a fresh identifier on another CPU than its last, after drop(), and when its CPU ran out of identifiers since: then
// that CPU's TLB is flushed once and its next generation begins. No CPU touches what is another's, so there is no lock.
template <unsigned MaxCpus>
class CpuTagAllocator {
 public:
  using Tag = CpuTag;

  // Before the first acquire(). `bits` is what every CPU implements.
  void set_bits(unsigned bits) { ids_ = low_mask(bits); }

  // The identifier of `tag`, on `cpu`, which executes this and runs nothing under a tag now. `flush_all` makes this CPU
  // forget every tagged translation.
  template <class FlushAll>
  [[nodiscard]] uint64_t acquire(unsigned cpu, CpuTag& tag, FlushAll flush_all) {
    if (is_current(cpu, tag)) return tag.value & ids_;
    uint64_t& newest = newest_[cpu].value;
    if ((++newest & ids_) == 0) {
      flush_all();
      ++newest;  // 0 is the hypervisor's own
    }
    tag = {.value = newest, .cpu = cpu};
    return newest & ids_;
  }

  // Does `cpu` hold translations under this tag? Asked on that CPU.
  [[nodiscard]] bool is_current(unsigned cpu, const CpuTag& tag) const {
    return (tag.value & ids_) != 0 && tag.cpu == cpu && ((tag.value ^ newest_[cpu].value) & ~ids_) == 0;
  }

  // Times that `cpu` ran out of identifiers.
  [[nodiscard]] uint64_t generation(unsigned cpu) const { return newest_[cpu].value / (ids_ + 1); }

 private:
  struct alignas(64) Newest {
    uint64_t value = 0;
  };
  uint64_t ids_ = 0;
  std::array<Newest, MaxCpus> newest_{};
};

static_assert(TagSource<CpuTagAllocator<1>>);

}  // namespace hal
