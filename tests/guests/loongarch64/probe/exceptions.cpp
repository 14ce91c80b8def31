// SPDX-License-Identifier: Apache-2.0
// Exceptions and what they leave behind (volume 1, 6.2 and 7.4).
#include "batteries.hpp"
#include "check.hpp"
#include "cpu.hpp"
#include "machine.hpp"

using namespace guest;

namespace probe {

namespace {
constexpr unsigned code_syscall = 0xb, code_unaligned = 0x9, code_no_fp = 0xf, code_bound = 0xa;
constexpr unsigned privilege_of_programs = 3;

// Runs one instruction as a program, from the window that only PLV0 has: so it cannot even be fetched.
Fault at_plv3() {
  return attempt([] {
    asm volatile(
        "pcaddi $ra, 6\n move $t0, $ra\n csrwr $t0, 0x6\n move $t1, %0\n csrwr $t1, 0x1\n ertn\n nop\n"
        :
        : "r"(uint64_t{privilege_of_programs})
        : "$ra", "$t0", "$t1", "memory");
  });
}

void instructions() {
  check_class("syscall_raises_sys", attempt([] { asm volatile("syscall 5"); }), code_syscall);
  check_class("break_raises_brk", attempt([] { asm volatile("break 5"); }), code_breakpoint);
  check_class("an_unknown_instruction_raises_ine", attempt([] { asm volatile(".word 0xffffffff"); }), code_undefined);
  check_class("asrtle_raises_bce", attempt([] {
                asm volatile("asrtle.d %0, %1" : : "r"(uint64_t{2}), "r"(uint64_t{1}));
              }),
              code_bound);
  check_quiet("asrtle_lets_pass", attempt([] {
                asm volatile("asrtle.d %0, %1" : : "r"(uint64_t{1}), "r"(uint64_t{2}));
              }));
  check_class("floating_point_that_is_disabled_raises_fpd", attempt([] {
                Csr<0x2>::write(0);
                asm volatile(".word 0x0114a800");  // movgr2fr.d $fa0, $zero
              }),
              code_no_fp);
  check_quiet("floating_point_that_is_enabled_is_there", attempt([] {
                Csr<0x2>::write(1);
                asm volatile(".word 0x0114a800");
              }));
  Csr<0x2>::write(0);
}

void addresses() {
  const uint64_t not_canonical = 0x4000'0000'0000'0000;
  const Fault access = attempt([=] { asm volatile("ld.d $t0, %0, 0" : : "r"(not_canonical) : "$t0", "memory"); });
  check_class("an_address_of_no_window_raises_adem", access, code_address);
  check_equal("badv_has_the_address", access.badv, not_canonical);
  check_equal("adem_is_subcode_1", access.subcode(), 1);
  const Fault fetch = attempt([=] { asm volatile("jirl $ra, %0, 0" : : "r"(not_canonical) : "$ra", "memory"); });
  check_class("a_jump_to_no_window_raises_adef", fetch, code_address);
  check_equal("adef_is_subcode_0", fetch.subcode(), 0);
  check_equal("adef_leaves_the_address_in_era", fetch.era, not_canonical);
  check_class("ll_from_an_odd_address_raises_ale", attempt([] {
                static constinit uint64_t words[2]{};
                const auto odd = reinterpret_cast<uint64_t>(words) + 1;
                asm volatile("ll.d $t0, %0, 0" : : "r"(odd) : "$t0", "memory");
              }),
              code_unaligned);
}

void privilege() {
  const Fault fault = at_plv3();
  check("a_program_cannot_run_in_the_kernels_window", fault.taken && fault.code() == code_address);
  check_equal("an_exception_comes_to_plv0", crmd::read() & 0b11, 0);
}

}  // namespace

void exceptions() {
  instructions();
  addresses();
  privilege();
}

}  // namespace probe
