// SPDX-License-Identifier: Apache-2.0
#include "vmm/irq/vgic/model.hpp"

namespace vmm::vgic {

namespace {

// Bit numbers of a word, in ascending order.
template <class Visit>
void for_each_bit(uint32_t bits, Visit visit) {
  for (; bits != 0; bits &= bits - 1) visit(static_cast<unsigned>(std::countr_zero(bits)));
}

// How long an access waits for another vCPU to read back its list registers, in polls. Somebody who is inside its guest
// comes out within a microsecond; the limit is for one whose CPU is doing something else.
constexpr unsigned wait_polls = 20000;

}  // namespace

uint8_t Model::choose_target(uint64_t candidates) const {
  candidates &= hal::low_mask(static_cast<unsigned>(cpus.size()));
  if (candidates == 0) return no_vcpu;
  for (uint64_t left = candidates; left != 0; left &= left - 1) {
    const CpuContext& cpu = cpus[static_cast<unsigned>(std::countr_zero(left))];
    const bool awake = !is_v3() || !cpu.asleep.load(std::memory_order_relaxed);
    if (cpu.eligible.load(std::memory_order_relaxed) && awake) return static_cast<uint8_t>(cpu.index);
  }
  return static_cast<uint8_t>(std::countr_zero(candidates));
}

[[clang::minsize]] void Model::set_route(SpiBank& bank, unsigned n, uint32_t route, bool any, Kicks& kicks) {
  const uint32_t bit = 1u << n;
  bank.route[n] = route;
  bank.any_vcpu = any ? bank.any_vcpu | bit : bank.any_vcpu & ~bit;
  if (!is_v3()) {
    bank.target[n] = choose_target(route);
  } else {
    bank.target[n] = any ? choose_target(~uint64_t{0}) : vcpu_at(route);
  }
  recall(bank, bit, kicks);
  announce(bank, bit, kicks);
}

void Model::announce_ready(Bank& bank, uint32_t bits, Kicks& kicks) {
  if (bank.is_private()) return kicks.add(cpus[bank.owner], CpuContext::add);
  SpiBank& spi = shared(bank);
  for_each_bit(bits, [&](unsigned n) {
    const bool busy = ((spi.held | spi.taken) >> n & 1) != 0;
    if (!busy && (spi.any_vcpu >> n & 1) != 0) spi.target[n] = choose_target(is_v3() ? ~uint64_t{0} : spi.route[n]);
    const uint8_t target = spi.target[n];
    if ((spi.held >> n & 1) != 0 && spi.holder[n] != target) recall(bank, 1u << n, kicks);
    if (target == no_vcpu) return;
    cpus[target].spi_hint.fetch_or(1u << bank.number, std::memory_order_relaxed);
    kicks.add(cpus[target], CpuContext::add);
  });
}

void Model::recall(Bank& bank, uint32_t bits, Kicks& kicks) {
  bits &= bank.held;
  if (bits == 0) return;
  bank.recalled |= bits;
  if (bank.is_private()) return kicks.add(cpus[bank.owner], CpuContext::recall);
  for_each_bit(bits, [&](unsigned n) { kicks.add(cpus[shared(bank).holder[n]], CpuContext::recall); });
}

void Model::announce_for(CpuContext& self, Bank& bank, uint32_t bits) {
  Kicks kicks(kicker, self.index);
  const hal::LockGuard guard(bank.lock);
  announce(bank, bits, kicks);
}

[[clang::minsize]] void Model::recall_for(CpuContext& self, Bank& bank, uint32_t bits) {
  Kicks kicks(kicker, self.index);
  const hal::LockGuard guard(bank.lock);
  recall(bank, bits, kicks);
}

[[clang::minsize]] void Model::renew_all(CpuContext& self) {
  Kicks kicks(kicker, self.index);
  const auto renew = [&](Bank& bank) {
    const hal::LockGuard guard(bank.lock);
    recall(bank, ~0u, kicks);
    announce(bank, ~0u, kicks);
  };
  for (CpuContext& cpu : cpus) {
    renew(cpu.bank);
    if (cpu.lpis.any() || cpu.lpis.any_listed()) kicks.add(cpu, CpuContext::add | CpuContext::recall);
  }
  for (SpiBank& bank : spi_banks) renew(bank);
}

[[clang::minsize]] void Model::refresh(Bank& bank, uint32_t bits, CpuContext& self, bool wait) {
  uint64_t others = 0;
  bool own = wait && bank.owner == self.index;  // its timer's line is looked at
  {
    const hal::LockGuard guard(bank.lock);
    for_each_bit(bits & bank.held, [&](unsigned n) {
      const VcpuIndex holder = bank.is_private() ? bank.owner : shared(bank).holder[n];
      if (holder != self.index) {
        others |= hal::bit(holder);
      } else {
        bank.recalled |= 1u << n;
        own = true;
      }
    });
  }
  if (own && self.loaded) hardware.fold_recalled(*this, self);
  for (; wait && others != 0; others &= others - 1) {
    await_fold(bank, bits, cpus[static_cast<unsigned>(std::countr_zero(others))], self);
  }
}

[[clang::minsize]] void Model::await_fold(Bank& bank, uint32_t bits, CpuContext& other, CpuContext& self) {
  const uint32_t before = other.folds.load(std::memory_order_relaxed);
  recall_for(self, bank, bits);
  for (unsigned i = 0; i < wait_polls && other.folds.load(std::memory_order_acquire) == before; ++i) {
    // The other may be waiting for us in the same way.
    const bool asked = (self.work.load(std::memory_order_relaxed) & CpuContext::recall) != 0;
    if (asked && self.loaded && self.used != 0) hardware.fold_recalled(*this, self);
    hal::cpu_relax();
  }
}

void Model::set_line(Bank& bank, uint32_t bit, bool level) {
  Kicks kicks(kicker, Kicks::nobody);
  const hal::LockGuard guard(bank.lock);
  if (((bank.line & bit) != 0) == level) return;
  bank.line ^= bit;
  recall(bank, bit & ~bank.edge, kicks);
  if (!level) return;
  bank.latch |= bit & bank.edge;
  announce(bank, bit, kicks);
}

void Model::pend_lpi(CpuContext& cpu, uint32_t index, Kicks& kicks) {
  const hal::LockGuard guard(cpu.lpis.lock);
  if (!cpu.lpis.enabled.load(std::memory_order_relaxed)) return;  // it has no pending table
  cpu.lpis.set(index);
  kicks.add(cpu, CpuContext::add);
}

[[clang::minsize]] void Model::set_fate(uint32_t index, LpiFate fate, Kicks& kicks) {
  for (CpuContext& cpu : cpus) {
    if (!cpu.lpis.any_listed()) continue;
    const hal::LockGuard guard(cpu.lpis.lock);
    cpu.lpis.for_each_listed([&](ListedLpi& lpi) {
      if (lpi.index != index || lpi.fate == lpi_dropped) return;
      lpi.fate = fate == cpu.index ? lpi_stays : fate;
      kicks.add(cpu, CpuContext::recall);
    });
  }
}

[[clang::minsize]] void Model::clear_lpi(CpuContext& cpu, uint32_t index, Kicks& kicks) {
  {
    const hal::LockGuard guard(cpu.lpis.lock);
    cpu.lpis.clear(index);
  }
  set_fate(index, lpi_dropped, kicks);
}

// It may be pending a second time, while it is in a list register.
[[clang::minsize]] void Model::move_lpi(CpuContext& from, CpuContext& to, uint32_t index, Kicks& kicks) {
  bool pending = false;
  {
    const hal::LockGuard guard(from.lpis.lock);
    pending = from.lpis.test(index);
    from.lpis.clear(index);
  }
  set_fate(index, static_cast<LpiFate>(to.index), kicks);
  if (pending) pend_lpi(to, index, kicks);
}

[[clang::minsize]] void Model::move_lpis(CpuContext& from, CpuContext& to, Kicks& kicks) {
  {
    const hal::LockGuard guard(from.lpis.lock);
    from.lpis.for_each_listed([&](ListedLpi& lpi) {
      if (lpi.fate == lpi_stays) lpi.fate = static_cast<LpiFate>(to.index);
    });
    kicks.add(from, CpuContext::recall);
  }
  for (unsigned word = 0; word < LpiSet::word_count; ++word) {
    uint64_t bits = 0;
    {
      const hal::LockGuard guard(from.lpis.lock);
      bits = from.lpis.take_word(word);
    }
    const hal::LockGuard guard(to.lpis.lock);
    to.lpis.set_word(word, bits);
  }
  kicks.add(to, CpuContext::add);
}

}  // namespace vmm::vgic
