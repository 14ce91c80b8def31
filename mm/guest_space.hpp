// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "hal/base/address.hpp"
#include "hal/base/list.hpp"
#include "hal/base/lock.hpp"
#include "hal/base/result.hpp"
#include "hal/mmu.hpp"
#include "mm/error.hpp"
#include "mm/frames.hpp"
#include "mm/heap.hpp"
#include "mm/page_table.hpp"

namespace mm {

// What one VM's guest physical addresses lead to: the stage-2 tables and the frames behind them.
//
// Any CPU may call; one lock per space (rank guest_space) guards the tables. It is not held while guest memory is
// copied or zeroed: frames leave a space only by destroy(), and the VM's life cycle sees to it that by then neither
// vCPUs nor devices of that VM run.
//
// A guest physical address from outside is checked by every function here: a hostile one gives an error, nothing else.
class GuestSpace {
 public:
  // `address_bits` of guest physical address, 32..hal::Mmu::max_guest_address_bits(); allocates the root table.
  // Errors: out_of_range, out_of_memory.
  static hal::Result<Owned<GuestSpace>, MmError> create(unsigned address_bits);
  GuestSpace(const GuestSpace&) = delete;
  GuestSpace& operator=(const GuestSpace&) = delete;
  // Everything goes back: see destroy().
  ~GuestSpace();

  // --- what is where -------------------------------------------------------------------------------------------------

  // Back `range` (whole pages) with RAM of this space's own, in the largest blocks there are. Contents: never another
  // guest's data, but not necessarily zero; see zero(). Errors: misaligned, out_of_range, already_mapped,
  // out_of_memory; nothing has changed then.
  hal::Result<void, MmError> add_ram(hal::GuestPhysRange range, hal::Rights rights = hal::full_access);
  // Let the guest at somebody else's frames: a passed-through device (MemoryKind::device), shared memory (normal).
  hal::Result<void, MmError> map(hal::GuestPhysRange range, hal::HostPhys place, hal::PageAttributes attributes);
  // Take addresses away. RAM added by add_ram() stays this space's until destroy(). On return no CPU translates them.
  hal::Result<void, MmError> unmap(hal::GuestPhysRange range);
  // New rights for a range that is mapped throughout. On return no CPU uses the old ones.
  hal::Result<void, MmError> protect(hal::GuestPhysRange range, hal::Rights rights);

  [[nodiscard]] std::optional<Mapping> translate(hal::GuestPhys place) const;
  // For a fault handler: would this access succeed if it were tried again? (Another CPU was changing the tables.)
  [[nodiscard]] bool allows(hal::GuestPhys place, hal::Rights needed) const;
  [[nodiscard]] TableWalk walk(hal::GuestPhys place) const;

  // --- contents ------------------------------------------------------------------------------------------------------

  // Copy out of or into guest RAM; a range may cross regions. Errors: not_mapped for holes, no_access for device memory
  // and missing rights, out_of_range for a range that wraps. On an error a part may have been copied.
  enum class As : uint8_t { guest, owner };  // with the guest's rights, or regardless of them (loading a ROM)
  hal::Result<void, MmError> read(hal::GuestPhys from, std::span<std::byte> to, As as = As::guest) const;
  hal::Result<void, MmError> write(hal::GuestPhys to, std::span<const std::byte> from, As as = As::guest);
  // Zeroes are published as well: see publish().
  hal::Result<void, MmError> zero(hal::GuestPhysRange range, As as = As::guest);
  template <class T>
    requires std::is_trivially_copyable_v<T>
  hal::Result<T, MmError> read_value(hal::GuestPhys from) const {
    T value{};
    TRY(read(from, std::as_writable_bytes(std::span(&value, 1))));
    return value;
  }
  template <class T>
    requires std::is_trivially_copyable_v<T>
  hal::Result<void, MmError> write_value(hal::GuestPhys to, const T& value) {
    return write(to, std::as_bytes(std::span(&value, 1)));
  }
  // Direct access to guest RAM from `place` on: at most `size` bytes, less where the block behind it ends. Never empty.
  // The guest may change it meanwhile: read each value once. Valid until destroy().
  hal::Result<std::span<std::byte>, MmError> window(hal::GuestPhys place, uint64_t size, hal::Rights needed,
                                                    As as = As::guest) const;
  // See hal::Mmu::publish_to_guest(): after loading code and before the guest starts with its caches off.
  hal::Result<void, MmError> publish(hal::GuestPhysRange range) const;

  // --- end -----------------------------------------------------------------------------------------------------------

  // Unmap everything, return every table and frame; RAM goes back dirty (FrameAllocator::free_dirty), so that scrubbing
  // it is the caller's to do in pieces: `while (mm::frames().scrub_some(n)) task::yield();`. Afterwards the space is
  // empty and may be filled again. No vCPU of the VM runs or will run before that.
  void destroy();

  // --- accounting and hardware ---------------------------------------------------------------------------------------

  [[nodiscard]] unsigned address_bits() const { return address_bits_; }
  [[nodiscard]] uint64_t ram_bytes() const;    // backed by add_ram()
  [[nodiscard]] uint64_t table_bytes() const;  // root and tables
  // What arch/ loads when a vCPU of this VM takes a CPU.
  [[nodiscard]] hal::Mmu::GuestRegime& regime() { return regime_; }

 private:
  class Backend {
   public:
    explicit Backend(hal::Mmu::GuestRegime& regime) : regime_(regime) {}
    [[nodiscard]] uint64_t read(hal::HostPhys table, unsigned index) const;
    void write(hal::HostPhys table, unsigned index, uint64_t entry);
    hal::Result<hal::HostPhys, MmError> allocate();
    void free(hal::HostPhys table);
    void publish() { hal::Mmu::publish_tables(); }
    void invalidate(hal::GuestPhysRange range) { hal::Mmu::invalidate_guest(regime_, range); }
    [[nodiscard]] uint64_t tables() const { return tables_; }

   private:
    hal::Mmu::GuestRegime& regime_;
    uint64_t tables_ = 0;
  };
  // A block of RAM that this space owns.
  struct Backing : hal::ListNode<> {
    Backing(hal::HostPhys block, Order block_order) : place(block), order(block_order) {}
    hal::HostPhys place;
    Order order;
  };
  using Table = PageTable<hal::GuestPhys, hal::Mmu::GuestFormat, Backend>;
  // Only create() can name it.
  struct Key {};

 public:
  GuestSpace(Key, OwnedFrames root, unsigned address_bits);

 private:
  struct NewRam;
  hal::Result<hal::HostPhysRange, MmError> contiguous(hal::GuestPhys place, uint64_t size, hal::Rights needed,
                                                      As as) const;
  // Calls visit(memory) for each contiguous piece of a range, in ascending order, without the lock.
  template <class Visit>
  hal::Result<void, MmError> for_each_piece(hal::GuestPhysRange range, hal::Rights needed, As as, Visit visit) const;
  hal::Result<void, MmError> map_blocks(hal::GuestPhysRange range, hal::List<Backing>& blocks, hal::Rights rights)
      PLINTH_REQUIRES(lock_);

  mutable hal::SpinLock lock_{hal::LockRank::guest_space};
  hal::Mmu::GuestRegime regime_;
  OwnedFrames root_;
  Backend backend_;
  Table table_ PLINTH_GUARDED_BY(lock_);
  hal::List<Backing> ram_ PLINTH_GUARDED_BY(lock_);
  uint64_t ram_bytes_ PLINTH_GUARDED_BY(lock_) = 0;
  const unsigned address_bits_;
};

}  // namespace mm
