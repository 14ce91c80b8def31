// SPDX-License-Identifier: Apache-2.0
#include "vmm/demands.hpp"

#include <algorithm>
#include <array>
#include <bit>

#include "config/places.hpp"

namespace vmm {
namespace {

// GICv2 numbers CPU interfaces in the 8 bits of GICD_ITARGETSR.
constexpr uint32_t gicv2_cpus = 8;

class Judge {
 public:
  Judge(const VmFile& file, const Machine& machine, config::Diagnostics& errors)
      : vm_(file.config), file_(file), machine_(machine), errors_(errors) {}

  void judge_interrupts() {
    const unsigned wanted = vm_.gic == config::GicVersion::v2   ? 2
                            : vm_.gic == config::GicVersion::v3 ? 3
                                                                : machine_.gic_version;
    if (machine_.gic_version != 0 && wanted != machine_.gic_version) {
      error("gic", "`gic`: the VM wants a GICv{}, and this machine has a GICv{}", wanted, machine_.gic_version);
    } else if (wanted == 2 && vm_.vcpus > gicv2_cpus) {
      error("vcpus", "`vcpus`: a GICv2 serves at most {} vCPUs, not {}", gicv2_cpus, vm_.vcpus);
    }
    for (size_t i = 0; i < vm_.passthrough.size(); ++i) {
      if (vm_.passthrough[i].irqs.empty()) continue;
      error(element("passthrough", i, "irqs"),
            "`passthrough.irqs`: a passed-through device's interrupts cannot be given to a guest");
    }
  }

  void judge_vectors() {
    if (!machine_.sve_lengths) return;
    const uint32_t lengths = *machine_.sve_lengths, wanted = vm_.sve_vector_bits;
    if (lengths == 0 && (vm_.sve == true || wanted != 0)) {
      error(wanted != 0 ? "sve_vector_bits" : "sve", "`sve`: the VM wants SVE, and not all CPUs of this machine have it");
    } else if (wanted != 0 && (lengths >> (wanted / 128 - 1) & 1) == 0) {
      error("sve_vector_bits", "`sve_vector_bits`: guests can have no vectors of {} bits on this machine, but of {}",
            wanted, std::bit_width(lengths) * 128);
    }
  }

  void judge_monitors() {
    if (vm_.pmu == true && !machine_.has_pmu) {
      error("pmu", "`pmu`: the VM wants performance monitors, and not all CPUs of this machine have them (PMUv3)");
    }
  }

  void judge_cpus() {
    for (uint32_t i = 0; i < vm_.vcpus; ++i) {
      if ((vm_.cpus_of(i).bits & machine_.cpus) != 0) continue;
      const bool by_affinity = i < vm_.affinity.size();
      error(by_affinity ? element("affinity", i, "") : Key("cpus"),
            "`{}` leaves vCPU {} no CPU that this machine has", by_affinity ? "affinity" : "cpus", i);
      if (!by_affinity) return;
    }
    if (vm_.scheduler.policy != config::SchedulerPolicy::dedicated) return;
    uint64_t usable = 0;
    for (uint32_t i = 0; i < vm_.vcpus; ++i) usable |= vm_.cpus_of(i).bits & machine_.cpus;
    if (std::popcount(usable) >= static_cast<int>(vm_.vcpus)) return;
    error("scheduler.policy", "{} dedicated vCPUs need a CPU each; this machine has {} for them", vm_.vcpus,
          std::popcount(usable));
  }

  void judge_memory() {
    uint64_t wanted = 0, highest = 1;
    for (const config::MemoryRegion& region : config::memory_map(vm_.memory, file_.board)) {
      wanted += region.range.size;
      highest = std::max(highest, region.range.end().value() - 1);
    }
    for (const config::DiskConfig& disk : vm_.disks) wanted += config::memory_of(disk);
    if (wanted > machine_.free_memory) {
      error("memory", "`memory`: {} wanted, {} free", hal::Size{wanted}, hal::Size{machine_.free_memory});
    }
    if (static_cast<unsigned>(std::bit_width(highest)) > machine_.guest_address_bits) {
      error("memory", "`memory` goes up to {:#x}, but guests have only {} address bits on this machine", highest,
            machine_.guest_address_bits);
    }
  }

  void judge_passthrough(HostResources& resources) {
    for (size_t i = 0; i < vm_.passthrough.size(); ++i) {
      const hal::HostPhysRange host = vm_.passthrough[i].host;
      const auto owner = resources.owner_of(host);
      if (!owner) continue;
      std::array<char, 80> buffer{};
      hal::BufferSink text(buffer);
      put(text, *owner);
      error(element("passthrough", i, "address"), "`passthrough`: {} to {} cannot be given away: it belongs to {}",
            host.start, host.end() - 1, text.text());
    }
  }

 private:
  using Key = hal::FixedString<47>;

  static Key element(std::string_view array, size_t index, std::string_view key) {
    std::array<char, Key::capacity> buffer{};
    hal::BufferSink text(buffer);
    hal::format(text, "{}.{}", array, index);
    if (!key.empty()) hal::format(text, ".{}", key);
    return text.text();
  }

  template <class... Arguments>
  void error(const Key& key, hal::Pattern<std::type_identity_t<Arguments>...> pattern, const Arguments&... arguments) {
    errors_.error(config::position_of(file_.text, file_.arena, key), pattern, arguments...);
  }

  const config::VmConfig& vm_;
  const VmFile& file_;
  const Machine& machine_;
  config::Diagnostics& errors_;
};

}  // namespace

bool names_files_that_are_there(const VmFile& file, bool (*has_file)(void* context, std::string_view name),
                                void* context, config::Diagnostics& errors) {
  const unsigned before = errors.errors();
  config::for_each_file(file.config, [&](std::string_view key, std::string_view name) {
    if (has_file(context, name)) return;
    errors.error(config::position_of(file.text, file.arena, key), "`{}`: the bundle has no file \"{}\"", key, name);
  });
  return errors.errors() == before;
}

bool meets_demands(const VmFile& file, const Machine& machine, HostResources& resources, config::Diagnostics& errors) {
  const unsigned before = errors.errors();
  Judge judge(file, machine, errors);
  judge.judge_interrupts();
  judge.judge_vectors();
  judge.judge_monitors();
  judge.judge_cpus();
  judge.judge_memory();
  judge.judge_passthrough(resources);
  return errors.errors() == before;
}

}  // namespace vmm
