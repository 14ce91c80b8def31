// SPDX-License-Identifier: Apache-2.0
// Making CPUs able to run guests.
#include "hal/virtualization.hpp"

#include <array>
#include <string_view>

#include "arch/aarch64/irq/gic.hpp"
#include "arch/aarch64/irq/irqs.hpp"
#include "arch/aarch64/regs/pmu.hpp"
#include "arch/aarch64/trap/exceptions.hpp"
#include "arch/aarch64/virt/id_registers.hpp"
#include "arch/aarch64/virt/pmu.hpp"
#include "arch/aarch64/virt/sve.hpp"
#include "arch/boot.hpp"
#include "arch/cpu.hpp"
#include "arch/mmio.hpp"
#include "arch/mmu.hpp"
#include "arch/psci.hpp"
#include "arch/sysreg.hpp"
#include "arch/timer.hpp"
#include "hal/base/secondary_start.hpp"
#include "hal/log.hpp"
#include "hal/mmu.hpp"
#include "hal/upcall.hpp"

extern "C" std::byte secondary_entry[], spin_table_entry[];
extern "C" void secondary_on_virtual_addresses();

namespace arch {
namespace {

using namespace regs;
using hal::HostPhys;

// Fields of ID registers that decide whether a trap bit exists; setting one that does not is setting a RES0 bit.
using trace_version = hal::Field<7, 4>;    // ID_AA64DFR0_EL1
using trace_filter = hal::Field<43, 40>;   // ID_AA64DFR0_EL1
using limited_order = hal::Field<19, 16>;  // ID_AA64MMFR1_EL1

// What exits (docs/trapping.md). Interrupts and external aborts do, so do WFI, SMC, feature-ID reads, and whatever is
// implementation defined. Maintenance of TLBs and caches by the guest is broadcast, because its vCPU may move. Its
// stage 1 walks stay out of device memory: an external abort that Vcpu::translate() met in one would be taken to EL2.
uint64_t hypervisor_configuration() {
  uint64_t hcr = hcr_el2::vm::mask | hcr_el2::swio::mask | hcr_el2::ptw::mask | hcr_el2::fmo::mask |
                 hcr_el2::imo::mask | hcr_el2::amo::mask | hcr_el2::fb::mask | hcr_el2::bsu::of(1) |
                 hcr_el2::twi::mask | hcr_el2::tid3::mask | hcr_el2::tsc::mask | hcr_el2::tidcp::mask |
                 hcr_el2::tacr::mask | hcr_el2::rw::mask;
  if (limited_order::get(read<id_aa64mmfr1_el1>()) != 0) hcr |= hcr_el2::tlor::mask;
  if (id_aa64pfr0_el1::ras::get(read<id_aa64pfr0_el1>()) != 0) hcr |= hcr_el2::terr::mask;
  if (id_registers::guest_has_pointer_authentication()) hcr |= hcr_el2::apk::mask | hcr_el2::api::mask;
  return hcr;
}

uint64_t debug_configuration() {
  const uint64_t debug = read<id_aa64dfr0_el1>();
  uint64_t mdcr = mdcr_el2::tda::mask | mdcr_el2::tdosa::mask | mdcr_el2::tdra::mask;
  if (pmu_version::is_pmuv3(id_aa64dfr0_el1::pmuver::get(debug))) {
    // All counters are the guest's (HPMN), in the way of a guest at EL1: PMCR_EL0.E starts them.
    mdcr |= mdcr_el2::tpm::mask | mdcr_el2::tpmcr::mask | mdcr_el2::hpmn::of(pmcr_el0::n::get(read<pmcr_el0>()));
  }
  if (id_aa64dfr0_el1::pmsver::get(debug) != 0) mdcr |= mdcr_el2::tpms::mask;
  if (trace_filter::get(debug) != 0) mdcr |= mdcr_el2::ttrf::mask;
  return mdcr;
}

uint64_t coprocessor_configuration() {
  const uint64_t features = read<id_aa64pfr0_el1>();
  // TZ and TSM are RES1 where there is no SVE or SME. Of a vCPU that uses SVE TZ is clear while it is loaded.
  uint64_t cptr = cptr_el2::res1 | cptr_el2::tz::mask | cptr_el2::tsm::mask;
  if (trace_version::get(read<id_aa64dfr0_el1>()) != 0) cptr |= cptr_el2::tta::mask;
  if (id_aa64pfr0_el1::amu::get(features) != 0) cptr |= cptr_el2::tam::mask;
  return cptr;
}

// Guests see no MPAM, and none of its registers.
void configure_partitioning() {
  if (id_aa64pfr0_el1::mpam::get(read<id_aa64pfr0_el1>()) == 0 &&
      id_aa64pfr1_el1::mpam_frac::get(read<id_aa64pfr1_el1>()) == 0) {
    return;
  }
  write<mpam2_el2>(mpam2_el2::trapmpam0el1::mask | mpam2_el2::trapmpam1el1::mask);
  if (mpamidr_el1::has_hcr::is_set(read<mpamidr_el1>())) write<mpamhcr_el2>(mpamhcr_el2::trap_mpamidr_el1::mask);
}

// Registers of EL2 that are UNKNOWN after reset (D24.2) and stay as they are set here.
void configure_el2() {
  write<hcr_el2>(hypervisor_configuration());
  write<mdcr_el2>(debug_configuration());
  write<cptr_el2>(coprocessor_configuration());
  write<hstr_el2>(0);
  if (id_aa64mmfr0_el1::fgt::get(read<id_aa64mmfr0_el1>()) != 0) {
    write<hfgrtr_el2>(0);
    write<hfgwtr_el2>(0);
    write<hfgitr_el2>(0);
    write<hdfgrtr_el2>(0);
    write<hdfgwtr_el2>(0);
    if (id_aa64pfr0_el1::amu::get(read<id_aa64pfr0_el1>()) != 0) write<hafgrtr_el2>(0);
  }
  if (id_aa64mmfr0_el1::fgt::get(read<id_aa64mmfr0_el1>()) >= id_aa64mmfr0_el1::fgt2) {
    write<hfgrtr2_el2>(0);
    write<hfgwtr2_el2>(0);
    write<hfgitr2_el2>(0);
    write<hdfgrtr2_el2>(0);
    write<hdfgwtr2_el2>(0);
  }
  if (id_aa64mmfr1_el1::hcx::get(read<id_aa64mmfr1_el1>()) != 0) write<hcrx_el2>(0);
  configure_partitioning();
  // Both locks are on after reset and keep debug exceptions from guests that step (D2.5). A guest's OSLAR_EL1 is
  // trapped.
  write<osdlr_el1>(0);
  write<oslar_el1>(0);
  write<cnthctl_el2>(0);
  write<cntvoff_el2>(0);
  write<cntv_ctl_el0>(0);
  write<cnthp_ctl_el2>(0);
  isb();
}

std::string_view explain(gic::SetupError error) {
  switch (error) {
    case gic::SetupError::none: break;
    case gic::SetupError::no_memory: return "the GIC's registers cannot be mapped";
    case gic::SetupError::no_redistributor: return "no GIC redistributor has this CPU's affinity";
    case gic::SetupError::no_system_registers:
      return "firmware keeps the GIC's system registers to itself (ICC_SRE_EL3)";
  }
  return "";
}

// The part of every CPU.
gic::SetupError enable_on_this_cpu(hal::CpuIndex cpu) {
  Mmu::join_cpu();
  id_registers::join_cpu();
  psci::join_cpu();
  configure_el2();
  sve::join_cpu();
  HostPmu::join_cpu();
  const gic::SetupError error = gic::set_up_cpu(cpu, boot::platform().cpus[cpu].hardware_id);
  if (error == gic::SetupError::none) irqs::enable_private(cpu);
  return error;
}

// --- starting the others
// ----------------------------------------------------------------------------------------------

// Read by head.S with the MMU off; it knows the first five words.
struct alignas(64) SecondaryBoot {
  uint64_t page_tables;
  uint64_t entry;
  uint64_t stack_top;
  uint64_t cpu;
  uint64_t hardware_id;  // of whom this is for: CPUs that share a release address all look here
};
constexpr uint64_t nobody = ~uint64_t{0};

// head.S reads it by name.
extern "C" {
[[gnu::used]] constinit SecondaryBoot secondary_boot{
    .page_tables = 0, .entry = 0, .stack_top = 0, .cpu = 0, .hardware_id = nobody};
}

constinit hal::SecondaryStart startup;
constinit gic::SetupError startup_error = gic::SetupError::none;

// The CPU that comes reads memory, not our cache.
void clean_to_coherency(const void* memory) { asm volatile("dc cvac, %0\n dsb sy" ::"r"(memory) : "memory"); }

enum class Started : uint8_t { yes, no, unknown };

void tell(const SecondaryBoot& words, uint64_t id) {
  secondary_boot = words;
  clean_to_coherency(&secondary_boot);
  // Only when all the rest is there for it to read.
  secondary_boot.hardware_id = id;
  clean_to_coherency(&secondary_boot);
}

// The release address is memory, though often memory that the tree reserves as `no-map`.
bool release(HostPhys place) {
  const uint64_t entry = boot::image_phys(spin_table_entry).value();
  const hal::HostVirt direct = hal::Mmu::direct_map_base + place.value();
  if (place.value() < hal::Mmu::direct_map_size && hal::upcall::is_readable(direct)) {
    auto* const word = reinterpret_cast<volatile uint64_t*>(direct.value());
    *word = entry;
    clean_to_coherency(reinterpret_cast<const void*>(direct.value()));
  } else {
    const auto mapped = hal::upcall::map_device({place, sizeof(entry)});
    if (!mapped) return false;
    mmio_write64(*mapped, entry);
  }
  asm volatile("dsb sy\n sev" ::: "memory");
  return true;
}

// True: on its way.
bool ask_to_start(hal::CpuIndex cpu, const hal::CpuInfo& info) {
  switch (info.start) {
    case hal::StartMethod::unknown: hal::log::warning("CPU {}: its enable-method is not known", cpu); return false;
    case hal::StartMethod::spin_table:
      if (release(info.release)) return true;
      hal::log::warning("CPU {}: its release address {} cannot be mapped", cpu, info.release);
      return false;
    case hal::StartMethod::firmware: break;
  }
  if (!boot::arm_platform().psci.answers_at_el2()) {
    hal::log::warning("CPU {}: no PSCI by SMC starts it", cpu);
    return false;
  }
  const int64_t result =
      psci::cpu_on(info.hardware_id, boot::image_phys(secondary_entry), boot::image_phys(&secondary_boot).value());
  if (result != 0) hal::log::warning("CPU {}: firmware does not start it (PSCI error {})", cpu, result);
  return result == 0;
}

Started start_cpu(hal::CpuIndex cpu) {
  const hal::CpuInfo& info = boot::platform().cpus[cpu];
  const auto resources = hal::upcall::prepare_cpu(cpu);
  if (!resources) {
    hal::log::warning("CPU {}: no memory to start it", cpu);
    return Started::no;
  }
  startup.expect();
  tell({.page_tables = read<ttbr0_el2>(),
        .entry = reinterpret_cast<uint64_t>(&secondary_on_virtual_addresses),
        .stack_top = resources->stack_top.value(),
        .cpu = cpu,
        .hardware_id = nobody},
       info.hardware_id);
  if (!ask_to_start(cpu, info)) return Started::no;
  const uint64_t deadline = Timer::now() + Timer::frequency();
  switch (startup.wait([&] { return Timer::now() > deadline; })) {
    case hal::SecondaryStart::Outcome::joined: return Started::yes;
    case hal::SecondaryStart::Outcome::refused:
      hal::log::warning("CPU {}: left out: {}", cpu, explain(startup_error));
      return Started::no;
    case hal::SecondaryStart::Outcome::silent: break;
  }
  hal::log::warning("CPU {}: started, but did not report within a second: left out", cpu);
  return Started::unknown;
}

// One after another: what they are told lies in one place. A CPU that does not report may still be on its way to read
// it, so after that one nobody is started.
unsigned start_others(size_t cpus) {
  unsigned online = 0;
  for (hal::CpuIndex cpu = 1; cpu < cpus; ++cpu) {
    const Started started = start_cpu(cpu);
    if (started == Started::unknown) break;
    if (started == Started::yes) ++online;
  }
  return online;
}

[[noreturn]] void stay_out() {
  psci::cpu_off();
  while (true) Cpu::halt();
}

extern "C" [[noreturn]] void secondary_main(uint64_t cpu) {
  install_exception_vectors();
  const auto index = static_cast<hal::CpuIndex>(cpu);
  if (!startup.arrive()) stay_out();
  startup_error = enable_on_this_cpu(index);
  const bool joins = startup_error == gic::SetupError::none;
  startup.report(joins);
  if (!joins) stay_out();
  hal::upcall::cpu_ready(index);
}

// The shell needs nothing but the counter: interrupts that may not come are not waited for.
bool do_without(std::string_view why) {
  gic::abandon();
  Cpu::stay_awake();
  hal::log::error("no VM can run: {}", why);
  return false;
}

}  // namespace
}  // namespace arch

namespace hal {

bool enable_virtualization() {
  using namespace arch;
  const ArmPlatform& machine = boot::arm_platform();
  // In this order: without the controller nobody knows the timer's interrupts.
  if (const GicFault fault = fault_of(machine.gic); fault != GicFault::none) return do_without(explain(fault));
  if (!is_usable(machine.timer)) return do_without("the device tree describes no generic timer");
  irqs::set_numbers({.hypervisor_timer = machine.timer.hypervisor_irq,
                     .guest_timer = machine.timer.virtual_irq,
                     .maintenance = machine.gic.maintenance_irq,
                     .counters = machine.pmu_irq});
  gic::SetupError error = gic::set_up(machine.gic);
  if (error == gic::SetupError::none) error = enable_on_this_cpu(0);
  if (error != gic::SetupError::none) return do_without(arch::explain(error));
  if (platform().cpus_left_out != 0) {
    log::warning("{} CPUs are left out: {} are as many as Plinth uses", platform().cpus_left_out, max_cpus);
  }
  const unsigned online = 1 + start_others(platform().cpus.size());
  sve::report();
  log::info("{} of {} CPUs can run guests", online, platform().cpus.size());
  return true;
}

}  // namespace hal
