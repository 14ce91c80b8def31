// SPDX-License-Identifier: Apache-2.0
// What the CPU says it is (DDI 0487, D19.2): consistent, readable in full, and never more than a guest can have.
#include <array>
#include <cstddef>
#include <utility>

#include "batteries.hpp"
#include "check.hpp"
#include "cpu.hpp"

using namespace guest;

namespace probe {

namespace {
// Op0 3, Op1 0, CRn 0, CRm 1..7: the ID space. Reserved encodings in it read as zero.
template <size_t Index>
void read_id() {
  (void)SystemRegister<3, 0, 0, 1 + Index / 8, Index % 8>::read();
}
template <size_t... Index>
bool reads_all(std::index_sequence<Index...>) {
  bool quiet = true;
  ((quiet = quiet && !attempt([] { read_id<Index>(); }).taken), ...);
  return quiet;
}
template <size_t Index>
bool reads_twice_the_same() {
  using Register = SystemRegister<3, 0, 0, 1 + Index / 8, Index % 8>;
  const uint64_t first = Register::read();
  return first == Register::read();
}
template <size_t... Index>
bool all_stable(std::index_sequence<Index...>) {
  return (reads_twice_the_same<Index>() && ...);
}
constexpr auto id_space = std::make_index_sequence<7 * 8>{};

unsigned field(uint64_t value, unsigned low) { return static_cast<unsigned>(value >> low) & 0xf; }
}  // namespace

void identification() {
  check("midr_names_an_implementer", (midr_el1::read() & 0xff00'0000) != 0 || midr_el1::read() == 0xf0510);
  check("mpidr_of_the_boot_cpu_is_affinity_0", (mpidr_el1::read() & 0xff'00ff'ffff) == 0);
  check("mpidr_bit_31_is_one", (mpidr_el1::read() >> 31 & 1) == 1);
  check("every_id_register_reads_without_a_fault", reads_all(id_space));
  check("id_registers_do_not_change", all_stable(id_space));
  check_class("an_id_register_is_read_only", attempt([] { asm volatile("msr S3_0_C0_C4_0, xzr"); }), ec_unknown);

  const uint64_t pfr0 = id_aa64pfr0_el1::read();
  check("el1_runs_aarch64", field(pfr0, 4) == 1 || field(pfr0, 4) == 2);
  check_equal("el2_is_hidden", field(pfr0, 8), 0);
  check_equal("el3_is_hidden", field(pfr0, 12), 0);
  check("memory_model_has_a_physical_size", (id_aa64mmfr0_el1::read() & 0xf) <= 6);
  check("memory_model_has_4k_pages", field(id_aa64mmfr0_el1::read(), 28) != 0xf);
  check("debug_version_is_armv8", field(id_aa64dfr0_el1::read(), 0) >= 6);

  check("ctr_has_a_cache_line_of_at_least_16_bytes", (ctr_el0::read() >> 16 & 0xf) >= 2);
  check_quiet("dczid_reads", attempt([] { (void)dczid_el0::read(); }));
  check_quiet("clidr_reads", attempt([] { (void)clidr_el1::read(); }));
  check_quiet("aidr_reads", attempt([] { (void)aidr_el1::read(); }));
  csselr_el1::write(0);
  check("ccsidr_of_the_first_data_cache_has_a_line_size", (ccsidr_el1::read() & 7) <= 4);
  csselr_el1::write(1);
  check_equal("csselr_keeps_what_is_written", csselr_el1::read(), 1);
  csselr_el1::write(0);
  check_quiet("revidr_reads", attempt([] { (void)SystemRegister<3, 0, 0, 0, 6>::read(); }));
}

}  // namespace probe
