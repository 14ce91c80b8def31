// SPDX-License-Identifier: Apache-2.0
// PSCI and the calling convention: return codes of good and of bad calls.
#include "batteries.hpp"
#include "check.hpp"
#include "cpu.hpp"
#include "machine.hpp"
#include "psci.hpp"
#include "psci_start.hpp"
#include "smp.hpp"

using namespace guest;

namespace probe {

namespace {
constexpr uint64_t nobody = 0xff'00ff'ff00;  // an affinity no CPU has

void psci_calls() {
  const psci::Result version = psci::call(psci::version);
  check("psci_is_1_0_or_newer", version.x0 >> 16 == 1);
  check_status("psci_features_knows_cpu_on", psci::call(psci::features, psci::cpu_on).status(), psci::success);
  check_status("psci_features_knows_system_off", psci::call(psci::features, psci::system_off).status(), psci::success);
  check_status("psci_features_refuses_an_unknown_function", psci::call(psci::features, 0x8400'00ff).status(),
               psci::not_supported);
  check_status("psci_migrate_info_type_says_no_migration_needed", psci::call(psci::migrate_info_type).status(), 2);
  check_status("an_unknown_psci_function_is_not_supported", psci::call(0x8400'001f).status(), psci::not_supported);
  check_status("an_unknown_64_bit_psci_function_is_not_supported", psci::call(0xc400'001f).status(),
               psci::not_supported);
  check_status("affinity_info_says_the_boot_cpu_is_on", psci::call(psci::affinity_info, 0, 0).status(), 0);
  check_status("affinity_info_has_a_32_bit_form", psci::call(psci::affinity_info_32, 0, 0).status(), 0);
  check_status("affinity_info_refuses_nobody", psci::call(psci::affinity_info, nobody, 0).status(),
               psci::invalid_parameters);
  check_status("cpu_on_of_a_running_cpu_says_so", psci::call(psci::cpu_on, 0, smp::entry_address(), 0).status(),
               psci::already_on);
  check_status("cpu_on_has_a_32_bit_form", psci::call(psci::cpu_on_32, 0, smp::entry_address(), 0).status(),
               psci::already_on);
  check_status("cpu_on_refuses_nobody", psci::call(psci::cpu_on, nobody, smp::entry_address(), 0).status(),
               psci::invalid_parameters);
}

void other_registers_survive() {
  uint64_t x4 = 0;
  uint64_t x17 = 0;
  asm volatile("mov x4, #0x44\n mov x17, #0x77\n mov w0, %w2\n hvc #0\n mov %0, x4\n mov %1, x17"
               : "=&r"(x4), "=&r"(x17)
               : "r"(psci::version)
               : "x0", "x1", "x2", "x3", "x4", "x17", "memory");
  check_equal("a_call_keeps_x4", x4, 0x44);
  check_equal("a_call_keeps_x17", x17, 0x77);
}

// What only a hypervisor of this kind offers; SMC and an entry check do not exist on the bare machine.
void hypervisor_only() {
  const auto smc = psci::Conduit::smc;
  check_equal("smc_gives_the_same_version_as_hvc", psci::call(psci::version, 0, 0, 0, smc).x0,
              psci::call(psci::version).x0);
  check_status("an_unknown_smc_is_not_supported", psci::call(0xdead'beef, 0, 0, 0, smc).status(), psci::not_supported);
  check_status("an_unknown_hvc_is_not_supported", psci::call(0xdead'beef).status(), psci::not_supported);
  check_status("a_vendor_smc_is_not_supported", psci::call(0x8200'0001, 1, 2, 3, smc).status(), psci::not_supported);
  check("smccc_is_1_1_or_newer", psci::call(psci::smccc_version).x0 >= 0x1'0001);
  check_status("smccc_features_knows_itself", psci::call(psci::smccc_features, psci::smccc_features).status(), 0);
  check_status("smccc_features_refuses_an_unknown_function", psci::call(psci::smccc_features, 0x8000'7777).status(),
               psci::not_supported);
  // A fast call has bit 31 set; its absence makes a yielding call, of which there are none.
  check_status("a_yielding_call_is_not_supported", psci::call(0x0400'0000).status(), psci::not_supported);
  check_class("hvc_with_an_immediate_is_refused_or_undefined", attempt([] {
                register int64_t x0 asm("x0") = psci::version;
                asm volatile("hvc #0x55" : "+r"(x0) : : "x1", "x2", "x3", "memory");
                if (static_cast<int32_t>(x0) == psci::not_supported) asm volatile("udf #0");
              }),
              ec_unknown);
  const unsigned cpus = smp::count();
  if (cpus > 1) {
    check_status("cpu_on_refuses_an_entry_point_in_a_device", psci::call(psci::cpu_on, cpus - 1, uart_base, 0).status(),
                 psci::invalid_address);
    check_status("cpu_on_refuses_an_entry_point_nowhere", psci::call(psci::cpu_on, cpus - 1, hole_base, 0).status(),
                 psci::invalid_address);
  }
}
}  // namespace

void firmware() {
  psci_calls();
  other_registers_survive();
  if (!is_bare()) hypervisor_only();
}

}  // namespace probe
