// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>

#include "hal/base/lock.hpp"
#include "vmm/irq/vgic/its_tables.hpp"
#include "vmm/irq/vgic/model.hpp"
#include "vmm/mmio.hpp"

namespace vmm::vgic {

// The Interrupt Translation Service, IHI 0069 chapter 5: turns a message (DeviceID, EventID) into an LPI of a vCPU, by
// tables that the guest's commands fill.
//
// A guest may queue up to 32768 commands. One access does at most `budget_per_access` of them, and one if it is about
// all LPIs (INVALL, MOVALL); the rest is done when the guest looks how far the ITS has got (GITS_CREADR), or would wait
// for an interrupt. A command that makes no sense is skipped: this ITS neither stalls nor reports (GITS_TYPER.SEIS =
// 0).
class Its final : public MmioDevice {
 public:
  static constexpr unsigned budget_per_access = 64;

  explicit Its(Model& model);
  uint64_t read(MmioAccess access) override;
  void write(MmioAccess access, uint64_t value) override;
  void reset() override {}

  // A device's message. Any CPU.
  void translate(uint32_t device_id, uint32_t event_id);
  void reset_state();
  // Commands wait. The vCPU that left them has work, and does them before its guest goes on, some at a time: catch_up()
  // says whether that was all.
  [[nodiscard]] bool is_behind() const { return behind_.load(std::memory_order_relaxed); }
  [[nodiscard]] bool catch_up();

 private:
  using Words = std::array<uint64_t, 4>;
  struct Target;
  struct CommandRow;
  static const std::array<CommandRow, 12> commands;

  [[nodiscard]] uint64_t read_word(uint64_t offset) const PLINTH_REQUIRES(lock_);
  void write_word(uint64_t offset, uint64_t value, uint64_t written, Kicks& kicks) PLINTH_REQUIRES(lock_);
  void set_table(uint64_t& reg, uint64_t value) PLINTH_REQUIRES(lock_);

  // its_commands.cpp
  void run_commands(Kicks& kicks) PLINTH_REQUIRES(lock_);
  unsigned run_one(const Words& words, Kicks& kicks) PLINTH_REQUIRES(lock_);
  [[nodiscard]] bool find(uint32_t device_id, uint32_t event_id, Target& target) PLINTH_REQUIRES(lock_);
  [[nodiscard]] CpuContext* vcpu_of(uint32_t icid) PLINTH_REQUIRES(lock_);
  [[nodiscard]] CpuContext* processor(uint64_t number);
  void map_device(const Words& words, Kicks& kicks) PLINTH_REQUIRES(lock_);
  void map_collection(const Words& words, Kicks& kicks) PLINTH_REQUIRES(lock_);
  void map_interrupt(const Words& words, Kicks& kicks) PLINTH_REQUIRES(lock_);
  void map_same(const Words& words, Kicks& kicks) PLINTH_REQUIRES(lock_);
  void map_event(const Words& words, uint32_t lpi, Kicks& kicks) PLINTH_REQUIRES(lock_);
  void move_interrupt(const Words& words, Kicks& kicks) PLINTH_REQUIRES(lock_);
  void move_all(const Words& words, Kicks& kicks) PLINTH_REQUIRES(lock_);
  void raise(const Words& words, Kicks& kicks) PLINTH_REQUIRES(lock_);
  void clear(const Words& words, Kicks& kicks) PLINTH_REQUIRES(lock_);
  void discard(const Words& words, Kicks& kicks) PLINTH_REQUIRES(lock_);
  void invalidate(const Words& words, Kicks& kicks) PLINTH_REQUIRES(lock_);
  void invalidate_all(const Words& words, Kicks& kicks) PLINTH_REQUIRES(lock_);
  void synchronize(const Words& words, Kicks& kicks) PLINTH_REQUIRES(lock_);

  Model& model_;
  hal::SpinLock lock_{hal::LockRank::its};
  ItsTables tables_ PLINTH_GUARDED_BY(lock_);
  bool enabled_ PLINTH_GUARDED_BY(lock_) = false;
  uint64_t cbaser_ PLINTH_GUARDED_BY(lock_) = 0;
  uint64_t cwriter_ PLINTH_GUARDED_BY(lock_) = 0;
  uint64_t creadr_ PLINTH_GUARDED_BY(lock_) = 0;
  std::atomic<bool> behind_{false};
};

}  // namespace vmm::vgic
