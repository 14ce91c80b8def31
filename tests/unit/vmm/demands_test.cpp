// SPDX-License-Identifier: Apache-2.0
#include "vmm/demands.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <vector>

#include "tests/unit/config/load.hpp"

namespace {

// What is said of a VM file with `line` on `machine`; empty: nothing.
std::string judge(const std::string& line, const vmm::Machine& machine) {
  const std::string text = "name = \"x\"\n" + line + "\nkernel.image = \"k\"\n";
  Loaded loaded = Loaded::vm(text);
  EXPECT_TRUE(loaded.ok()) << loaded.messages();
  std::vector<std::byte> arena(config::load_arena_size);
  config::Diagnostics errors("x.toml", loaded);
  vmm::HostResources resources;
  const bool met = vmm::meets_demands({loaded.vm_config, config::aarch64_board, text, arena}, machine, resources, errors);
  EXPECT_EQ(met, loaded.messages().empty());
  return loaded.messages();
}

TEST(Demands, for_sve_are_met_where_the_cpus_have_it) {
  const vmm::Machine machine{.sve_lengths = uint16_t{0b1011}};
  for (const char* const line : {"", "sve = true", "sve = false", "sve_vector_bits = 128", "sve_vector_bits = 512"}) {
    EXPECT_EQ(judge(line, machine), "") << line;
  }
  constexpr std::string_view message =
      "guests can have no vectors of {} bits on this machine, but of 512";
  for (const std::string bits : {"384", "1024"}) {
    std::string expected(message);
    expected.replace(expected.find("{}"), 2, bits);
    EXPECT_EQ(judge("sve_vector_bits = " + bits, machine), "x.toml:2:19: `sve_vector_bits`: " + expected + "\n");
  }
}

TEST(Demands, for_sve_are_refused_where_a_cpu_has_none) {
  const vmm::Machine machine{.sve_lengths = uint16_t{0}};
  constexpr std::string_view message = "`sve`: the VM wants SVE, and not all CPUs of this machine have it\n";
  EXPECT_EQ(judge("sve = true", machine), "x.toml:2:7: " + std::string(message));
  EXPECT_EQ(judge("sve_vector_bits = 128", machine), "x.toml:2:19: " + std::string(message));
  EXPECT_EQ(judge("", machine), "");
  EXPECT_EQ(judge("sve = false", machine), "");
}

TEST(Demands, for_performance_monitors_are_met_where_the_cpus_have_them) {
  for (const char* const line : {"", "pmu = true", "pmu = false"}) EXPECT_EQ(judge(line, {}), "") << line;
  EXPECT_EQ(judge("", {.has_pmu = false}), "");
  EXPECT_EQ(judge("pmu = false", {.has_pmu = false}), "");
  EXPECT_EQ(judge("pmu = true", {.has_pmu = false}),
            "x.toml:2:7: `pmu`: the VM wants performance monitors, and not all CPUs of this machine have them (PMUv3)\n");
}

TEST(Demands, for_sve_are_not_judged_where_nobody_knows) {
  EXPECT_EQ(judge("sve = true\nsve_vector_bits = 2048", {}), "");
}

}  // namespace
