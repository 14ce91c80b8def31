// SPDX-License-Identifier: Apache-2.0
#include "vmm/aarch64/psci.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>
#include <vector>

namespace {

using vmm::aarch64::AffinityMap;
using vmm::aarch64::FirmwareAction;
using Kind = vmm::aarch64::FirmwareAction::Kind;
using Power = vmm::aarch64::Psci::Power;

constexpr uint64_t psci_version = 0x8400'0000, cpu_suspend = 0xc400'0001, cpu_off = 0x8400'0002, cpu_on = 0xc400'0003,
                   cpu_on_32 = 0x8400'0003, affinity_info = 0xc400'0004, migrate = 0xc400'0005,
                   migrate_info_type = 0x8400'0006, system_off = 0x8400'0008, system_reset = 0x8400'0009,
                   features = 0x8400'000a, system_reset2 = 0xc400'0012, smccc_version = 0x8000'0000,
                   arch_features = 0x8000'0001, workaround_1 = 0x8000'8000, workaround_2 = 0x8000'7fff,
                   workaround_3 = 0x8000'3fff, soc_id = 0x8000'0002;
constexpr int64_t success = 0, not_supported = -1, invalid_parameters = -2, already_on = -4, on_pending = -5,
                  invalid_address = -9;
constexpr uint64_t good_entry = 0x4000'0000;
constexpr uint64_t bad_entry = 0x10;

class Ram final : public vmm::aarch64::GuestEntryCheck {
 public:
  bool is_executable(hal::GuestPhys entry) override { return entry >= hal::GuestPhys(good_entry); }
};

// All ones, so that bits show that must not be there.
class Ones final : public vmm::RandomSource {
 public:
  void fill(std::span<std::byte> bytes) override {
    for (std::byte& byte : bytes) byte = std::byte{0xff};
    given += bytes.size();
  }
  size_t given = 0;
};

class Psci : public testing::Test {
 protected:
  FirmwareAction call(vmm::VcpuIndex vcpu, uint64_t function, uint64_t a = 0, uint64_t b = 0, uint64_t c = 0) {
    return psci.call(vcpu, {{function, a, b, c}});
  }
  int64_t result(uint64_t function, uint64_t a = 0, uint64_t b = 0, uint64_t c = 0) {
    const FirmwareAction action = call(0, function, a, b, c);
    EXPECT_EQ(action.kind, Kind::resume);
    return static_cast<int64_t>(action.x[0]);
  }
  void SetUp() override {
    psci.boot(hal::GuestPhys(good_entry), 0x4800'0000);
    ASSERT_TRUE(psci.take_start(0));
  }

  Ram ram;
  Ones ones;
  vmm::aarch64::Psci psci{AffinityMap(20, AffinityMap::gicv3_cluster),
                          ram,
                          {.workarounds = {.workaround_1 = 1, .workaround_2 = -1, .workaround_3 = 0},
                           .stolen_times = hal::GuestPhys(0x90a'0000),
                           .random = &ones}};
};

constexpr uint64_t trng_version = 0x8400'0050, trng_features = 0x8400'0051, trng_uuid = 0x8400'0052,
                   trng_rnd_32 = 0x8400'0053, trng_rnd_64 = 0xc400'0053;
using Registers = std::array<uint64_t, 4>;

// Arm DEN0098. X1 to X3 hold something, to show what becomes of it.
TEST_F(Psci, says_what_its_random_numbers_are) {
  EXPECT_EQ(call(0, trng_version, 7, 8, 9).x, (Registers{0x1'0000, 0, 0, 0}));
  for (const uint64_t id : {trng_version, trng_features, trng_uuid, trng_rnd_32, trng_rnd_64}) {
    EXPECT_EQ(call(0, trng_features, id, 8, 9).x, Registers{}) << std::hex << id;
  }
  for (const uint64_t id : {uint64_t{0x8400'0054}, uint64_t{0xc400'0050}, uint64_t{0xc400'0052}, system_off, cpu_on}) {
    EXPECT_EQ(call(0, trng_features, id).x, (Registers{~uint64_t{0}, 0, 0, 0})) << std::hex << id;
  }
  const FirmwareAction uuid = call(0, trng_uuid, 7, 8, 9);
  EXPECT_NE(uuid.x[0], 0xffff'ffffU) << "would be an error (2.3)";
  for (const uint64_t word : uuid.x) EXPECT_TRUE(word != 0 && word >> 32 == 0) << std::hex << word;
  EXPECT_EQ(result(features, trng_version), not_supported) << "PSCI_FEATURES knows PSCI alone";
}

TEST_F(Psci, gives_random_bits_from_the_lowest_register_upwards) {
  EXPECT_EQ(call(0, trng_rnd_64, 1, 8, 9).x, (Registers{0, 0, 0, 1}));
  EXPECT_EQ(call(0, trng_rnd_64, 64).x, (Registers{0, 0, 0, ~uint64_t{0}}));
  EXPECT_EQ(call(0, trng_rnd_64, 65).x, (Registers{0, 0, 1, ~uint64_t{0}}));
  EXPECT_EQ(call(0, trng_rnd_64, 191).x, (Registers{0, ~uint64_t{0} >> 1, ~uint64_t{0}, ~uint64_t{0}}));
  EXPECT_EQ(call(0, trng_rnd_64, 192).x, (Registers{0, ~uint64_t{0}, ~uint64_t{0}, ~uint64_t{0}}));
  EXPECT_EQ(call(0, trng_rnd_32, 33).x, (Registers{0, 0, 1, 0xffff'ffff}));
  EXPECT_EQ(call(0, trng_rnd_32, 96).x, (Registers{0, 0xffff'ffff, 0xffff'ffff, 0xffff'ffff}));
  EXPECT_EQ(call(0, trng_rnd_32, 0x1234'5678'0000'0001).x, (Registers{0, 0, 0, 1})) << "the lower half counts";
}

TEST_F(Psci, refuses_numbers_of_random_bits_that_have_no_place) {
  constexpr Registers refused{static_cast<uint64_t>(invalid_parameters), 0, 0, 0};
  for (const uint64_t bits : {uint64_t{0}, uint64_t{193}, ~uint64_t{0}, uint64_t{1} << 32}) {
    EXPECT_EQ(call(0, trng_rnd_64, bits, 8, 9).x, refused) << bits;
  }
  for (const uint64_t bits : {uint64_t{0}, uint64_t{97}, uint64_t{1} << 32}) {
    EXPECT_EQ(call(0, trng_rnd_32, bits, 8, 9).x, refused) << bits;
  }
  EXPECT_EQ(ones.given, 0U);
}

TEST_F(Psci, offers_no_random_numbers_where_there_is_nothing_behind_them) {
  vmm::aarch64::Psci plain(AffinityMap(1, 8), ram, {});
  for (const uint64_t id : {trng_version, trng_features, trng_uuid, trng_rnd_32, trng_rnd_64}) {
    EXPECT_EQ(plain.call(0, {{id, trng_version, 0, 0}}).x[0], ~uint64_t{0}) << std::hex << id;
  }
}

TEST_F(Psci, states_its_versions) {
  EXPECT_EQ(result(psci_version), 0x1'0001);
  EXPECT_EQ(result(smccc_version), 0x1'0002);
  EXPECT_EQ(result(migrate_info_type), 2);
}

TEST_F(Psci, tells_each_vcpu_where_it_finds_the_time_stolen_from_it) {
  constexpr uint64_t pv_time_features = 0xc500'0020, pv_time_st = 0xc500'0021;
  EXPECT_EQ(result(arch_features, pv_time_features), success);
  EXPECT_EQ(result(arch_features, pv_time_st), not_supported) << "asked for by PV_TIME_FEATURES (DEN0057 3.1.1)";
  EXPECT_EQ(result(pv_time_features, pv_time_features), success);
  EXPECT_EQ(result(pv_time_features, pv_time_st), success);
  EXPECT_EQ(result(pv_time_features, 0xc500'0022), not_supported);
  for (const unsigned vcpu : {0, 1, 19}) {
    const FirmwareAction action = call(vcpu, pv_time_st);
    EXPECT_EQ(action.kind, Kind::steal_time);
    EXPECT_EQ(action.x[0], 0x90a'0000U + vcpu * 64);
  }
  EXPECT_EQ(result(0x8500'0021), not_supported) << "there is no 32-bit form";
}

TEST_F(Psci, offers_no_stolen_time_where_there_is_none) {
  vmm::aarch64::Psci plain(AffinityMap(2, 8), ram, {});
  for (const uint64_t function : {0xc500'0020, 0xc500'0021}) {
    EXPECT_EQ(plain.call(0, {{arch_features, function}}).x[0], ~uint64_t{0});
    EXPECT_EQ(plain.call(0, {{function, 0xc500'0021}}).x[0], ~uint64_t{0});
  }
}

TEST_F(Psci, lists_exactly_what_it_has) {
  for (const uint64_t id : {psci_version, cpu_suspend, cpu_off, cpu_on, affinity_info, migrate_info_type, system_off,
                            system_reset, features, system_reset2, smccc_version, uint64_t{0x8400'0001},
                            uint64_t{0x8400'0003}, uint64_t{0x8400'0004}, uint64_t{0x8400'0012}}) {
    EXPECT_EQ(result(features, id), success) << std::hex << id;
  }
  for (const uint64_t id : {migrate, uint64_t{0x8400'0005}, uint64_t{0x8400'0007}, uint64_t{0x8400'000b},
                            uint64_t{0x8400'000e}, uint64_t{0x8400'0013}, uint64_t{0xc400'0000}, uint64_t{0xc400'0002},
                            uint64_t{0xc400'0008}, arch_features, workaround_1, uint64_t{0}}) {
    EXPECT_EQ(result(features, id), not_supported) << std::hex << id;
  }
}

TEST_F(Psci, answers_truthfully_about_workarounds) {
  EXPECT_EQ(result(arch_features, smccc_version), success);
  EXPECT_EQ(result(arch_features, arch_features), success);
  EXPECT_EQ(result(arch_features, workaround_1), 1);
  EXPECT_EQ(result(arch_features, workaround_2), not_supported);
  EXPECT_EQ(result(arch_features, workaround_3), 0);
  EXPECT_EQ(result(arch_features, soc_id), not_supported);
  EXPECT_EQ(result(workaround_1), success);
  EXPECT_EQ(result(workaround_2), not_supported);
}

TEST_F(Psci, asks_the_machines_firmware_only_for_what_it_needs) {
  const FirmwareAction action = call(0, workaround_3);
  EXPECT_EQ(action.kind, Kind::mitigate_3);
  EXPECT_EQ(action.x[0], uint64_t{success});
  EXPECT_EQ(call(0, workaround_1).kind, Kind::resume) << "not needed here";
  EXPECT_EQ(call(0, workaround_2).kind, Kind::resume) << "unknown here";
}

TEST_F(Psci, refuses_every_other_function) {
  for (const uint64_t id :
       {uint64_t{0}, uint64_t{1}, uint64_t{0x0400'0000}, migrate, soc_id, uint64_t{0x8300'0000}, uint64_t{0x8500'0000},
        uint64_t{0x8600'ff00}, uint64_t{0xc600'ff01}, uint64_t{0xc600'0000}, uint64_t{0x8400'00ff},
        uint64_t{0xbf00'ff01}, uint64_t{0xc400'0000}, uint64_t{0x7fff'ffff}, uint64_t{0xffff'ffff}}) {
    EXPECT_EQ(result(id), not_supported) << std::hex << id;
  }
  std::mt19937 random(7);
  for (unsigned i = 0; i < 100'000; ++i) {
    const auto id = static_cast<uint32_t>(random());
    if ((id & 0x3f00'0000) <= 0x0600'0000) continue;
    ASSERT_EQ(result(id), not_supported);
  }
}

TEST_F(Psci, ignores_the_upper_half_of_the_function_register) {
  EXPECT_EQ(result(0xdead'beef'0000'0000 | psci_version), 0x1'0001);
}

TEST_F(Psci, changes_only_the_result_register) {
  const FirmwareAction action = call(0, psci_version, 11, 12, 13);
  EXPECT_EQ(action.x, (std::array<uint64_t, 4>{0x1'0001, 11, 12, 13}));
}

TEST_F(Psci, names_itself_in_four_registers_of_32_bits) {
  const FirmwareAction action = call(0, 0x8600'ff01);
  for (const uint64_t word : action.x) EXPECT_EQ(word >> 32, 0U);
  EXPECT_NE(action.x[0], 0xffff'ffffU) << "DEN0028: that would be the unknown function";
}

TEST_F(Psci, starts_a_vcpu_with_entry_and_context) {
  const FirmwareAction action = call(0, cpu_on, 3, good_entry + 0x1000, 0xabcd'0000'1234);
  EXPECT_EQ(action.kind, Kind::start_vcpu);
  EXPECT_EQ(action.target, 3U);
  EXPECT_EQ(static_cast<int64_t>(action.x[0]), success);
  EXPECT_EQ(psci.power(3), Power::on_pending);
  const auto start = psci.take_start(3);
  ASSERT_TRUE(start);
  EXPECT_EQ(start->entry, hal::GuestPhys(good_entry + 0x1000));
  EXPECT_EQ(start->context, 0xabcd'0000'1234U);
  EXPECT_EQ(psci.power(3), Power::on);
  EXPECT_FALSE(psci.take_start(3)) << "a start happens once";
}

TEST_F(Psci, cuts_the_arguments_of_the_32_bit_form) {
  EXPECT_EQ(call(0, cpu_on_32, 0xffff'ffff'0000'0002, 0xffff'ffff'0000'0000 | good_entry, 0xffff'ffff'0000'0005).kind,
            Kind::start_vcpu);
  const auto start = psci.take_start(2);
  ASSERT_TRUE(start);
  EXPECT_EQ(start->entry, hal::GuestPhys(good_entry));
  EXPECT_EQ(start->context, 5U);
  EXPECT_EQ(result(cpu_on, 0xffff'ffff'0000'0002, good_entry), invalid_parameters) << "the 64-bit form looks at all";
}

TEST_F(Psci, returns_each_error_of_cpu_on) {
  EXPECT_EQ(result(cpu_on, 0, good_entry), already_on);
  EXPECT_EQ(result(cpu_on, 20, good_entry), invalid_parameters);
  EXPECT_EQ(result(cpu_on, 0x104, good_entry), invalid_parameters) << "vCPU 20 does not exist";
  EXPECT_EQ(result(cpu_on, 0x8000'0001, good_entry), invalid_parameters);
  EXPECT_EQ(result(cpu_on, 0x1'0000'0000, good_entry), invalid_parameters);
  EXPECT_EQ(result(cpu_on, 1, bad_entry), invalid_address);
  EXPECT_EQ(psci.power(1), Power::off);
  EXPECT_EQ(call(0, cpu_on, 0x103, good_entry).target, 19U);
  EXPECT_EQ(result(cpu_on, 0x103, good_entry), on_pending);
  EXPECT_TRUE(psci.take_start(19));
  EXPECT_EQ(result(cpu_on, 0x103, bad_entry), already_on);
}

TEST_F(Psci, reports_affinity_on_every_level) {
  EXPECT_EQ(result(affinity_info, 0, 0), 0);
  EXPECT_EQ(result(affinity_info, 1, 0), 1);
  EXPECT_EQ(call(0, cpu_on, 0x101, good_entry).kind, Kind::start_vcpu);
  EXPECT_EQ(result(affinity_info, 0x101, 0), 2);
  EXPECT_EQ(result(affinity_info, 0x100, 1), 2) << "the second cluster is about to be on";
  EXPECT_EQ(result(affinity_info, 0x0, 1), 0);
  EXPECT_EQ(result(affinity_info, 0, 2), 0);
  EXPECT_EQ(result(affinity_info, 0, 3), 0);
  EXPECT_EQ(result(affinity_info, 0x200, 1), invalid_parameters);
  EXPECT_EQ(result(affinity_info, 0x104, 0), invalid_parameters);
  EXPECT_EQ(result(affinity_info, 0, 4), invalid_parameters);
  EXPECT_EQ(result(affinity_info, 0, ~uint64_t{0}), invalid_parameters);
  EXPECT_EQ(result(affinity_info, 0x1'0000'0000, 0), invalid_parameters);
}

TEST_F(Psci, switches_a_vcpu_off_until_it_is_started_again) {
  EXPECT_EQ(call(0, cpu_on, 1, good_entry).kind, Kind::start_vcpu);
  ASSERT_TRUE(psci.take_start(1));
  EXPECT_EQ(call(1, cpu_off).kind, Kind::power_off);
  EXPECT_EQ(psci.power(1), Power::off);
  EXPECT_FALSE(psci.take_start(1));
  EXPECT_EQ(call(0, cpu_on, 1, good_entry).kind, Kind::start_vcpu);
  EXPECT_TRUE(psci.take_start(1));
}

TEST_F(Psci, knows_when_nobody_is_left) {
  EXPECT_FALSE(psci.all_off());
  EXPECT_EQ(call(0, cpu_on, 1, good_entry).kind, Kind::start_vcpu);
  EXPECT_EQ(call(0, cpu_off).kind, Kind::power_off);
  EXPECT_FALSE(psci.all_off()) << "vCPU 1 is about to start";
  ASSERT_TRUE(psci.take_start(1));
  EXPECT_EQ(call(1, cpu_off).kind, Kind::power_off);
  EXPECT_TRUE(psci.all_off());
}

TEST_F(Psci, suspends_as_standby_and_checks_the_request) {
  EXPECT_EQ(call(0, cpu_suspend, 0).kind, Kind::suspend);
  EXPECT_EQ(call(0, cpu_suspend, 0x0000'1234).x[0], 0U);
  EXPECT_EQ(call(0, cpu_suspend, 0x0101'0000, good_entry).kind, Kind::suspend);
  EXPECT_EQ(result(cpu_suspend, 0x0001'0000, bad_entry), invalid_address);
  EXPECT_EQ(result(cpu_suspend, 0x0002'0000), invalid_parameters);
  EXPECT_EQ(result(cpu_suspend, 0x8000'0000), invalid_parameters);
  EXPECT_EQ(result(cpu_suspend, 0x1'0000'0000), invalid_parameters);
  EXPECT_EQ(psci.power(0), Power::on) << "a suspended vCPU is on";
}

TEST_F(Psci, ends_or_resets_the_whole_vm) {
  EXPECT_EQ(call(0, system_off).kind, Kind::system_off);
  EXPECT_EQ(call(0, system_reset).kind, Kind::system_reset);
  EXPECT_EQ(call(0, system_reset2, 0, 99).kind, Kind::system_reset);
  EXPECT_EQ(result(system_reset2, 1), invalid_parameters);
  EXPECT_EQ(result(system_reset2, 0x8000'0000), invalid_parameters);
}

TEST_F(Psci, boots_only_the_primary_after_a_reset) {
  EXPECT_EQ(call(0, cpu_on, 1, good_entry).kind, Kind::start_vcpu);
  psci.reset();
  EXPECT_TRUE(psci.all_off());
  EXPECT_FALSE(psci.take_start(1));
  psci.boot(hal::GuestPhys(good_entry), 42);
  EXPECT_EQ(psci.power(0), Power::on_pending);
  EXPECT_EQ(psci.power(1), Power::off);
  EXPECT_EQ(psci.take_start(0)->context, 42U);
}

TEST(AffinityMap, numbers_vcpus_as_qemus_board_does) {
  const AffinityMap v3(40, AffinityMap::gicv3_cluster);
  EXPECT_EQ(v3.affinity(15), 0x0fU);
  EXPECT_EQ(v3.affinity(16), 0x100U);
  EXPECT_EQ(v3.affinity(39), 0x207U);
  const AffinityMap v2(8, AffinityMap::gicv2_cluster);
  EXPECT_EQ(v2.affinity(7), 7U);
  for (const AffinityMap& map : {v2, v3}) {
    for (vmm::VcpuIndex i = 0; i < map.vcpus(); ++i) EXPECT_EQ(map.vcpu(map.affinity(i)), i);
  }
  EXPECT_FALSE(v3.vcpu(0x10));
  EXPECT_FALSE(v3.vcpu(0x208));
  EXPECT_FALSE(v3.vcpu(0x1'0000));
}

// The power states again, as plainly as possible.
class Reference {
 public:
  explicit Reference(unsigned vcpus) : states_(vcpus, 'f') {}
  int64_t on(uint64_t target, uint64_t entry) {
    if (target >= states_.size()) return invalid_parameters;
    if (states_[target] == 'n') return already_on;
    if (states_[target] == 'p') return on_pending;
    if (entry < good_entry) return invalid_address;
    states_[target] = 'p';
    return success;
  }
  int64_t info(uint64_t target) const {
    if (target >= states_.size()) return invalid_parameters;
    return states_[target] == 'n' ? 0 : states_[target] == 'f' ? 1 : 2;
  }
  bool start(unsigned vcpu) { return states_[vcpu] == 'p' ? (states_[vcpu] = 'n', true) : false; }
  void off(unsigned vcpu) { states_[vcpu] = 'f'; }
  bool is_on(unsigned vcpu) const { return states_[vcpu] == 'n'; }

 private:
  std::string states_;
};

TEST(PsciModel, agrees_with_a_plain_reference_on_random_sequences) {
  constexpr unsigned vcpus = 8;
  Ram ram;
  for (unsigned seed = 0; seed < 50; ++seed) {
    vmm::aarch64::Psci psci(AffinityMap(vcpus, 8), ram, {});
    Reference reference(vcpus);
    psci.boot(hal::GuestPhys(good_entry), 0);
    ASSERT_EQ(reference.on(0, good_entry), success);
    std::mt19937 random(seed);
    for (unsigned i = 0; i < 2'000; ++i) {
      const unsigned who = random() % vcpus;
      const uint64_t target = random() % (vcpus + 2);
      const uint64_t entry = random() % 4 == 0 ? bad_entry : good_entry;
      switch (random() % 4) {
        case 0: {
          const auto action = psci.call(who, {{cpu_on, target, entry, i}});
          ASSERT_EQ(static_cast<int64_t>(action.x[0]), reference.on(target, entry));
          break;
        }
        case 1:
          ASSERT_EQ(static_cast<int64_t>(psci.call(who, {{affinity_info, target, 0, 0}}).x[0]), reference.info(target));
          break;
        case 2: ASSERT_EQ(psci.take_start(who).has_value(), reference.start(who)); break;
        default:
          if (!reference.is_on(who)) break;
          ASSERT_EQ(psci.call(who, {{cpu_off, 0, 0, 0}}).kind, Kind::power_off);
          reference.off(who);
          break;
      }
    }
  }
}

// Each vCPU is a thread that takes starts and switches itself off; others start it all the time. Every accepted CPU_ON
// is one start with the context of that very call.
TEST(PsciModel, neither_loses_nor_doubles_a_start_when_calls_race) {
  constexpr unsigned vcpus = 3;
  constexpr unsigned rounds = 5'000;
  Ram ram;
  vmm::aarch64::Psci psci(AffinityMap(vcpus, 8), ram, {});
  std::array<std::atomic<uint64_t>, vcpus> accepted{};
  std::array<std::atomic<uint64_t>, vcpus> started{};
  std::array<std::atomic<uint64_t>, vcpus> context_sum{};
  std::array<std::atomic<uint64_t>, vcpus> started_sum{};
  std::atomic<unsigned> callers{2};

  const auto caller = [&](unsigned seed) {
    std::mt19937 random(seed);
    for (unsigned i = 0; i < rounds; ++i) {
      const unsigned target = random() % vcpus;
      const uint64_t context = random();
      const auto action = psci.call(0, {{cpu_on, target, good_entry, context}});
      if (action.kind != Kind::start_vcpu) continue;
      ++accepted[target];
      context_sum[target] += context;
    }
    --callers;
  };
  const auto vcpu = [&](unsigned self) {
    for (bool last_look = false; !last_look;) {
      last_look = callers == 0;
      const auto start = psci.take_start(self);
      if (!start) {
        std::this_thread::yield();
        continue;
      }
      last_look = false;
      ++started[self];
      started_sum[self] += start->context;
      EXPECT_EQ(psci.call(self, {{cpu_off, 0, 0, 0}}).kind, Kind::power_off);
    }
  };
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < vcpus; ++i) threads.emplace_back(vcpu, i);
  threads.emplace_back(caller, 1);
  threads.emplace_back(caller, 2);
  for (std::thread& thread : threads) thread.join();
  for (unsigned i = 0; i < vcpus; ++i) {
    EXPECT_GT(accepted[i], 0U);
    EXPECT_EQ(accepted[i], started[i]);
    EXPECT_EQ(context_sum[i], started_sum[i]);
  }
  EXPECT_TRUE(psci.all_off());
}

}  // namespace
