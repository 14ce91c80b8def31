// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "hal/base/address.hpp"
#include "hal/base/result.hpp"
#include "hal/boot_memory.hpp"
#include "hal/mmu.hpp"
#include "mm/error.hpp"

namespace mm {

// Take over memory from the boot code; called once, on the boot CPU, before any other function of mm. Builds the
// hypervisor's final map in `boot.boot_free`, switches to it (hal::Mmu::activate_host), then sets up frames() and the
// heap. After it `boot` is not needed any more.
//
//     direct map    all of boot.ram   RW-
//     image         text              R-X
//                   rodata            R--
//                   data              RW-
//     dynamic area  devices, stacks   RW-, unmapped pages between them
//
// Errors: out_of_memory when boot_free or the usable RAM is too small, misaligned or out_of_range for ranges that do
// not keep BootMemory's rules or lie beyond the direct map (the firmware's fault: report it).
hal::Result<void, MmError> init(const hal::BootMemory& boot);

// A stack with an unmapped page below it: running over the end faults instead of destroying a neighbour.
// Where the hardware's direct map is fixed (hal::Mmu::direct_map_is_fixed), it is mapped by tables all the same.
class Stack {
 public:
  constexpr Stack() = default;
  Stack(Stack&& other) noexcept;
  Stack& operator=(Stack&& other) noexcept;
  ~Stack() { reset(); }

  [[nodiscard]] explicit operator bool() const { return size_ != 0; }
  // First address above it; 16-byte aligned.
  [[nodiscard]] hal::HostVirt top() const { return bottom_ + size_; }
  [[nodiscard]] hal::HostVirtRange range() const { return {bottom_, size_}; }
  void reset();

 private:
  friend hal::Result<Stack, MmError> allocate_stack(uint64_t size);
  hal::HostVirt bottom_;
  hal::HostPhys frames_;
  uint64_t size_ = 0;
};

// `size` is a power of two number of pages. Any CPU, after init(); not in interrupt upcalls. Errors: out_of_memory,
// misaligned.
hal::Result<Stack, MmError> allocate_stack(uint64_t size);

// Map a device's registers (any alignment; whole pages are mapped), or return where they already are: the same page is
// mapped once. Stays for good. Errors: out_of_memory, out_of_range (RAM or not below 2^48).
hal::Result<hal::HostVirt, MmError> map_device(hal::HostPhys registers, uint64_t size);

// Map pages at an address outside the dynamic area (an identity-mapped page of boot code, the FDT); arch/ says where.
// Never both writable and executable. Errors: as PageTable::map(), and no_access for W+X.
hal::Result<void, MmError> map_fixed(hal::HostVirtRange pages, hal::HostPhys place, hal::PageAttributes attributes);
hal::Result<void, MmError> unmap_fixed(hal::HostVirtRange pages);

// The root of the hypervisor's tables.
[[nodiscard]] hal::HostPhys host_root();
// Is this address mapped readable? For backtraces and reports: takes no lock, so it may be asked while panicking.
[[nodiscard]] bool is_mapped(hal::HostVirt place);

// RAM that is the hypervisor's own, guests' RAM not counted: image, metadata, tables, heap, stacks. In bytes.
[[nodiscard]] uint64_t hypervisor_memory();

}  // namespace mm
