// SPDX-License-Identifier: Apache-2.0
#include "config/vm_config.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <random>
#include <string>

#include "load.hpp"

namespace {

using namespace config;
using hal::GuestPhys;
using hal::HostPhys;

// A file that is good but for `more`, which follows the name and stands before any table.
std::string file(std::string_view more) {
  return "name = \"x\"\n" + std::string(more) + "\n[kernel]\nimage = \"x/Image\"\n";
}
std::string message_of(std::string_view more) {
  const Loaded loaded = Loaded::vm(file(more));
  EXPECT_FALSE(loaded.ok()) << more;
  return loaded.messages();
}
// The message of a file whose last lines are `tables`.
std::string table_message_of(std::string_view tables) {
  const Loaded loaded = Loaded::vm(file("") + std::string(tables));
  EXPECT_FALSE(loaded.ok()) << tables;
  return loaded.messages();
}

TEST(VmConfig, fills_in_every_default) {
  const Loaded loaded = Loaded::vm("name = \"tiny\"\nkernel.image = \"a\"");
  ASSERT_TRUE(loaded.ok()) << loaded.messages();
  const VmConfig& vm = loaded.vm_config;
  EXPECT_EQ(vm.name, "tiny");
  EXPECT_EQ(vm.vcpus, 1U);
  EXPECT_EQ(vm.cpus, CpuSet::all());
  EXPECT_EQ(vm.memory.size, 128 * hal::mib);
  EXPECT_TRUE(vm.memory.regions.empty() && vm.affinity.empty() && vm.passthrough.empty());
  EXPECT_EQ(vm.kernel.image, "a");
  EXPECT_EQ(vm.kernel.format, ImageFormat::detect);
  EXPECT_FALSE(vm.kernel.load || vm.kernel.entry);
  EXPECT_TRUE(vm.kernel.cmdline.empty() && vm.kernel.initrd.empty() && vm.kernel.dtb.empty());
  EXPECT_EQ(vm.console, ConsoleModel::board);
  EXPECT_TRUE(vm.rtc && vm.its && vm.autostart);
  EXPECT_EQ(vm.gic, GicVersion::host);
  EXPECT_EQ(vm.sve, std::nullopt);
  EXPECT_EQ(vm.pmu, std::nullopt);
  EXPECT_EQ(vm.sve_vector_bits, 0U);
  EXPECT_EQ(vm.scheduler.policy, SchedulerPolicy::fair);
  EXPECT_EQ(vm.scheduler.weight, 100U);
  EXPECT_EQ(vm.scheduler.priority, 16U);
  EXPECT_EQ(vm.scheduler.slice_ns, 0U);
  EXPECT_EQ(vm.on_crash, CrashAction::stop);
  EXPECT_EQ(vm.clock, config::ClockMode::guest);
  EXPECT_TRUE(vm.paravirtual);
  EXPECT_EQ(vm.on_reset, ResetAction::restart);
  EXPECT_EQ(vm.restart_limit, 5U);
  EXPECT_EQ(vm.restart_delay_ns, 1'000'000'000U);
  EXPECT_EQ(vm.stop_timeout_ns, 10'000'000'000U);
  EXPECT_EQ(vm.progress_timeout_ns, 0U);
  EXPECT_TRUE(vm.power_key);
  EXPECT_FALSE(vm.watchdog);
  EXPECT_FALSE(vm.rng);
}

TEST(VmConfig, reads_every_key) {
  const Loaded loaded = Loaded::vm(R"(
name = "all-keys_1"
vcpus = 2
cpus = "0-1,5"
affinity = ["0", [1, 5]]
gic = 3
its = false
sve = false
pmu = false
clock = "host"
paravirtual = false
autostart = false
on_crash = "restart"
on_reset = "stop"
restart_limit = 7
restart_delay = "250ms"
stop_timeout = "0s"
progress_timeout = "2min"
[memory]
region = [{address = 0x4000_0000, size = "1GiB"},
          {address = 0, size = 8192, kind = "rom", access = "r", image = "a/rom"}]
[kernel]
image = "a/Image"
format = "elf"
load = 0x4000_0000
entry = 0x4000_1000
cmdline = "console=ttyAMA0 \"x y\""
initrd = "a/initrd"
dtb = "a/dtb"
[console]
model = "none"
virtio = true
[devices]
rtc = false
rng = true
[[passthrough]]
address = 0x0c00_0000
size = "64 KiB"
guest = 0x0d00_0000
irqs = [40, 41]
[scheduler]
policy = "fixed"
priority = 31
)");
  ASSERT_TRUE(loaded.ok()) << loaded.messages();
  const VmConfig& vm = loaded.vm_config;
  EXPECT_EQ(vm.name, "all-keys_1");
  EXPECT_EQ(vm.cpus.bits, 0b100011U);
  ASSERT_EQ(vm.affinity.size(), 2U);
  EXPECT_EQ(vm.cpus_of(1).bits, 0b100010U);
  EXPECT_EQ(vm.gic, GicVersion::v3);
  EXPECT_EQ(vm.sve, false);
  EXPECT_EQ(vm.pmu, false);
  EXPECT_FALSE(vm.autostart || vm.rtc || vm.its);
  EXPECT_TRUE(vm.rng);
  EXPECT_TRUE(vm.virtio_console);
  EXPECT_FALSE(vm.has_two_consoles()) << "there is no UART";
  EXPECT_EQ(vm.on_crash, CrashAction::restart);
  EXPECT_EQ(vm.clock, config::ClockMode::host);
  EXPECT_FALSE(vm.paravirtual);
  EXPECT_EQ(vm.on_reset, ResetAction::stop);
  EXPECT_EQ(vm.restart_limit, 7U);
  EXPECT_EQ(vm.restart_delay_ns, 250'000'000U);
  EXPECT_EQ(vm.stop_timeout_ns, 0U);
  EXPECT_EQ(vm.progress_timeout_ns, 120'000'000'000U);
  EXPECT_EQ(vm.memory.size, 0U);
  ASSERT_EQ(vm.memory.regions.size(), 2U);
  EXPECT_EQ(vm.memory.regions[0].range, (hal::GuestPhysRange{GuestPhys(0x4000'0000), hal::gib}));
  EXPECT_EQ(vm.memory.regions[0].access, (Access{true, true, true}));
  EXPECT_EQ(vm.memory.regions[1].kind, RegionKind::rom);
  EXPECT_EQ(vm.memory.regions[1].access, (Access{true, false, false}));
  EXPECT_EQ(vm.memory.regions[1].image, "a/rom");
  EXPECT_EQ(vm.kernel.format, ImageFormat::elf);
  EXPECT_EQ(vm.kernel.load, GuestPhys(0x4000'0000));
  EXPECT_EQ(vm.kernel.entry, GuestPhys(0x4000'1000));
  EXPECT_EQ(vm.kernel.cmdline, "console=ttyAMA0 \"x y\"");
  EXPECT_EQ(vm.kernel.initrd, "a/initrd");
  EXPECT_EQ(vm.kernel.dtb, "a/dtb");
  EXPECT_EQ(vm.console, ConsoleModel::none);
  ASSERT_EQ(vm.passthrough.size(), 1U);
  EXPECT_EQ(vm.passthrough[0].host, (hal::HostPhysRange{HostPhys(0x0c00'0000), 64 * hal::kib}));
  EXPECT_EQ(vm.passthrough[0].guest, GuestPhys(0x0d00'0000));
  EXPECT_EQ(vm.passthrough[0].irqs.size(), 2U);
  EXPECT_EQ(vm.scheduler.policy, SchedulerPolicy::fixed);
  EXPECT_EQ(vm.scheduler.priority, 31U);
}

TEST(VmConfig, says_what_an_unknown_key_was_meant_to_be) {
  EXPECT_EQ(message_of("memroy = \"1GiB\""), "x.toml:2:1: unknown key `memroy`, did you mean `memory`?\n");
  EXPECT_EQ(message_of("vcpu = 1"), "x.toml:2:1: unknown key `vcpu`, did you mean `vcpus`?\n");
  EXPECT_EQ(table_message_of("[scheduler]\npolcy = \"fair\""),
            "x.toml:6:1: unknown key `scheduler.polcy`, did you mean `policy`?\n");
  EXPECT_EQ(table_message_of("[devices]\nfloppy = true"),
            "x.toml:6:1: unknown key `devices.floppy`, known here are `rtc`, `power_key`, `watchdog` or `rng`\n");
  // One that is known, but elsewhere.
  EXPECT_EQ(message_of("cmdline = \"quiet\""), "x.toml:2:1: unknown key `cmdline`; `cmdline` belongs to [kernel]\n");
  EXPECT_EQ(message_of("image = \"a\""),
            "x.toml:2:1: unknown key `image`; `image` belongs to [[memory.region]] or [kernel] or [[disk]]\n");
  EXPECT_EQ(table_message_of("[devices]\nautostart = true"),
            "x.toml:6:1: unknown key `devices.autostart`; `autostart` stands in no table: put it above the first [table]\n");
  // However many are known, no name is cut.
  EXPECT_TRUE(message_of("xyzzyx = 1").ends_with(" or `stop_timeout`\n")) << message_of("xyzzyx = 1");
  EXPECT_EQ(table_message_of("[console]\nmodel = \"pl01\""),
            "x.toml:6:9: `console.model` cannot be \"pl01\"; did you mean `pl011`?\n");
  EXPECT_EQ(message_of("on_crash = \"explode\""),
            "x.toml:2:12: `on_crash` cannot be \"explode\"; it is one of `stop` or `restart`\n");
}

TEST(VmConfig, refuses_wrong_types) {
  EXPECT_EQ(message_of("vcpus = \"two\""), "x.toml:2:9: `vcpus` must be an integer, not a string\n");
  EXPECT_EQ(message_of("vcpus = 2.0"), "x.toml:2:9: `vcpus` must be an integer, not a float\n");
  EXPECT_EQ(message_of("autostart = 1"), "x.toml:2:13: `autostart` must be true or false, not an integer\n");
  EXPECT_EQ(message_of("memory = true"), "x.toml:2:10: `memory` must be a size, like \"256MiB\", not a boolean\n");
  EXPECT_EQ(message_of("scheduler = \"fair\""), "x.toml:2:13: `scheduler` must be a table, not a string\n");
  EXPECT_EQ(message_of("restart_delay = 5"),
            "x.toml:2:17: `restart_delay` must be a time with its unit, like \"5ms\", not an integer\n");
  EXPECT_EQ(message_of("passthrough = {}"), "x.toml:2:15: `passthrough` must be an array of tables, not a table\n");
  EXPECT_EQ(message_of("passthrough = [1]"), "x.toml:2:16: `passthrough` must be a table, not an integer\n");
  EXPECT_EQ(message_of("affinity = \"0\""), "x.toml:2:12: `affinity` must be an array of CPU sets, not a string\n");
  EXPECT_EQ(Loaded::vm("name = 1\nkernel.image = \"x\"").messages(),
            "x.toml:1:8: `name` must be a string, not an integer\n");
}

TEST(VmConfig, asks_for_what_is_missing) {
  EXPECT_EQ(Loaded::vm("").messages(),
            "x.toml:1:1: the key `name` (name) is missing: what the shell and the log call the VM\n"
            "x.toml:1:1: the key `kernel` (table) is missing: what the VM starts\n");
  EXPECT_EQ(Loaded::vm("name = \"x\"\n[kernel]\ncmdline = \"\"").messages(),
            "x.toml:2:2: the key `kernel.image` (path) is missing: the file of the bundle that the VM starts\n");
}

TEST(VmConfig, reports_duplicates_and_broken_toml_where_they_stand) {
  EXPECT_EQ(message_of("vcpus = 1\nvcpus = 2"), "x.toml:3:1: the key `vcpus` is defined already, in line 2\n");
  EXPECT_EQ(message_of("vcpus = "), "x.toml:2:9: expected a value\n");
}

TEST(VmConfig, checks_ranges) {
  EXPECT_EQ(message_of("vcpus = 0"), "x.toml:2:9: `vcpus` must be between 1 and 64, not 0\n");
  EXPECT_EQ(message_of("vcpus = 65"), "x.toml:2:9: `vcpus` must be between 1 and 64, not 65\n");
  EXPECT_EQ(message_of("vcpus = -1"), "x.toml:2:9: `vcpus` must be between 1 and 64, not -1\n");
  EXPECT_EQ(message_of("gic = 4"), "x.toml:2:7: `gic` must be between 2 and 3, not 4\n");
  EXPECT_TRUE(table_message_of("[scheduler]\nweight = 0").contains("between 1 and 10000"));
  EXPECT_TRUE(table_message_of("[scheduler]\nslice = \"1us\"").contains("between 100 us and 1000000 us"));
  EXPECT_EQ(message_of("progress_timeout = \"99ms\""),
            "x.toml:2:20: `progress_timeout` is \"0s\" or at least \"100ms\"\n");
  EXPECT_TRUE(message_of("restart_delay = \"2min\"").contains("between 0 us and 60000000 us"));
}

TEST(VmConfig, reads_sizes_as_people_write_them) {
  const auto size = [](std::string_view text) {
    const Loaded loaded = Loaded::vm(file("memory = " + std::string(text)));
    return loaded.ok() ? loaded.vm_config.memory.size : 0;
  };
  EXPECT_EQ(size("\"4KiB\""), 4 * hal::kib);
  EXPECT_EQ(size("\"256 MiB\""), 256 * hal::mib);
  EXPECT_EQ(size("\"2GiB\""), 2 * hal::gib);
  EXPECT_EQ(size("\"4096B\""), 4 * hal::kib);
  EXPECT_EQ(size("0x10_0000"), hal::mib);
  for (const std::string_view bad :
       {"\"\"", "\"MiB\"", "\"1\"", "\"1M\"", "\"1MB\"", "\"1mib\"", "\"1.5GiB\"", "\"-1GiB\"", "\"1  GiB\"",
        "\"1GiB \"", "\"16777216TiB\"", "\"99999999999999999999B\"", "0", "\"0MiB\"", "4095", "-4096"}) {
    EXPECT_EQ(size(bad), 0U) << bad;
  }
  EXPECT_TRUE(message_of("memory = \"256MB\"").contains("\"256MB\" is not a size"));
  EXPECT_TRUE(message_of("memory = \"300GiB\"").contains("more than the board can hold, 255GiB"));
}

TEST(VmConfig, reads_cpu_sets) {
  const auto cpus = [](std::string_view text) {
    const Loaded loaded = Loaded::vm(file("cpus = " + std::string(text)));
    return loaded.ok() ? loaded.vm_config.cpus.bits : 0;
  };
  EXPECT_EQ(cpus("\"0\""), 1U);
  EXPECT_EQ(cpus("\"0-3, 5\""), 0b101111U);
  EXPECT_EQ(cpus("\"63\""), uint64_t{1} << 63);
  EXPECT_EQ(cpus("\"0-63\""), UINT64_MAX);
  EXPECT_EQ(cpus("[1, 1, 2]"), 0b110U);
  for (const std::string_view bad : {"\"\"", "\"a\"", "\"3-1\"", "\"64\"", "\"0-64\"", "\"0,\"", "\",0\"", "\"-1\"",
                                     "\"0-\"", "\"9999999999\"", "[]", "[64]", "[-1]", "[\"0\"]", "0"}) {
    EXPECT_EQ(cpus(bad), 0U) << bad;
  }
}

TEST(VmConfig, keeps_paths_inside_the_bundle) {
  for (const std::string_view bad : {"", "/etc/passwd", "..", "../x", "a/../x", "a/..", "dir/"}) {
    const Loaded loaded = Loaded::vm("name = \"x\"\nkernel.image = \"" + std::string(bad) + "\"");
    EXPECT_TRUE(loaded.messages().contains("names a file inside the bundle")) << bad;
  }
  EXPECT_TRUE(Loaded::vm("name = \"x\"\nkernel.image = \"a/..b/c..\"").ok());
  const Loaded long_path = Loaded::vm("name = \"x\"\nkernel.image = \"" + std::string(200, 'p') + "\"");
  EXPECT_EQ(long_path.messages(), "x.toml:2:16: `kernel.image` is 200 bytes long; at most 127 are possible\n");
}

TEST(VmConfig, refuses_names_that_a_shell_could_not_tell_from_numbers) {
  for (const std::string_view bad : {"", "1", "-x", "a b", "a/b", "\\u00e9"}) {
    EXPECT_FALSE(Loaded::vm("name = \"" + std::string(bad) + "\"\nkernel.image = \"x\"").ok()) << bad;
  }
  EXPECT_FALSE(Loaded::vm("name = \"" + std::string(32, 'n') + "\"\nkernel.image = \"x\"").ok());
}

TEST(VmConfig, finds_overlaps_of_memory_with_itself_and_with_the_board) {
  EXPECT_EQ(message_of("[[memory.region]]\naddress = 0x4000_0000\nsize = \"2MiB\"\n"
                       "[[memory.region]]\naddress = 0x4010_0000\nsize = \"4KiB\"\n"),
            "x.toml:5:10: the region at 0x40100000 to 0x40100fff overlaps the region of line 2\n");
  EXPECT_EQ(message_of("[[memory.region]]\naddress = 0x08ff_f000\nsize = \"8KiB\"\n"),
            "x.toml:2:10: the region at 0x8fff000 to 0x9000fff overlaps the interrupt controller at 0x8000000 to "
            "0x8ffffff\n"
            "x.toml:2:10: the region at 0x8fff000 to 0x9000fff overlaps the UART at 0x9000000 to 0x9000fff\n");
  // What the VM does not have is in nobody's way.
  EXPECT_TRUE(Loaded::vm(file("paravirtual = false\n[console]\nmodel = \"none\"\n"
                              "[devices]\nrtc = false\npower_key = false\n"
                              "[[memory.region]]\naddress = 0x0900_0000\nsize = \"1MiB\"\n"))
                  .ok());
  // Neighbours do not overlap.
  EXPECT_TRUE(Loaded::vm(file("[[memory.region]]\naddress = 0x4000_0000\nsize = \"2MiB\"\n"
                              "[[memory.region]]\naddress = 0x4020_0000\nsize = \"4KiB\"\n"))
                  .ok());
}

TEST(VmConfig, finds_overlaps_of_passed_through_devices) {
  EXPECT_TRUE(table_message_of("[[passthrough]]\naddress = 0x4000_0000\nsize = \"4KiB\"")
                  .contains("the passed-through device at 0x40000000 to 0x40000fff overlaps the RAM of line 1"));
  EXPECT_TRUE(table_message_of("[[passthrough]]\naddress = 0x5000_0000\nguest = 0x0900_0000\nsize = \"4KiB\"")
                  .contains("overlaps the UART"));
  EXPECT_TRUE(table_message_of("[[passthrough]]\naddress = 0x1000_0000\nsize = 4096\nirqs = [40]\n"
                               "[[passthrough]]\naddress = 0x1000_1000\nsize = 4096\nirqs = [40]")
                  .contains("x.toml:9:3: interrupt 40 belongs to two devices"));
  EXPECT_TRUE(table_message_of("[[passthrough]]\naddress = 0x1000_0000\nsize = 4096\nirqs = [40, 40]")
                  .contains("names interrupt 40 twice"));
}

TEST(VmConfig, passes_no_device_through_twice) {
  EXPECT_EQ(table_message_of("[[passthrough]]\naddress = 0x1000_0000\nsize = 8192\n"
                             "[[passthrough]]\naddress = 0x1000_1000\nguest = 0x2000_0000\nsize = 4096"),
            "x.toml:8:3: the device at 0x10001000 is passed through already, in line 5\n");
}

TEST(VmConfig, knows_the_uart_of_its_board) {
  EXPECT_EQ(table_message_of("[console]\nmodel = \"16550\""),
            "x.toml:6:9: `console.model`: the aarch64 board has a \"pl011\", not a \"16550\"\n");
  EXPECT_TRUE(Loaded::vm("name = \"x\"\nkernel.image = \"k\"\nconsole.model = \"pl011\"").ok());
}

TEST(VmConfig, knows_what_its_board_lacks) {
  const auto message = [](const std::string& line) {
    const std::string text = "name = \"x\"\nkernel.image = \"k\"\n" + line;
    EXPECT_TRUE(Loaded::vm(text).ok()) << "the aarch64 board has it";
    return Loaded::vm(text, config::loongarch64_board).messages();
  };
  EXPECT_EQ(message("gic = 3"), "x.toml:3:7: `gic`: the loongarch64 board has no GIC\n");
  EXPECT_EQ(message("devices.watchdog = true"), "x.toml:3:20: `devices.watchdog`: the loongarch64 board has none\n");
}

TEST(VmConfig, knows_which_vectors_sve_can_have) {
  EXPECT_EQ(Loaded::vm("name = \"x\"\nkernel.image = \"k\"\nsve_vector_bits = 384").vm_config.sve_vector_bits, 384U);
  EXPECT_EQ(message_of("sve_vector_bits = 129"),
            "x.toml:2:19: `sve_vector_bits` is a multiple of 128, as vectors of SVE are, not 129\n");
  EXPECT_TRUE(message_of("sve_vector_bits = 4096").contains("between 128 and 2048"));
  EXPECT_EQ(message_of("sve = false\nsve_vector_bits = 256"),
            "x.toml:3:1: `sve_vector_bits` has no effect: `sve` is false\n");
  const auto elsewhere = [](const std::string& line) {
    return Loaded::vm("name = \"x\"\nkernel.image = \"k\"\n" + line, config::loongarch64_board).messages();
  };
  EXPECT_EQ(elsewhere("sve = true"), "x.toml:3:7: `sve`: the loongarch64 board has none\n");
  EXPECT_EQ(elsewhere("sve_vector_bits = 128"), "x.toml:3:19: `sve`: the loongarch64 board has none\n");
  EXPECT_EQ(elsewhere("sve = false"), "");
}

TEST(VmConfig, knows_which_board_has_performance_monitors) {
  const auto elsewhere = [](const std::string& line) {
    return Loaded::vm("name = \"x\"\nkernel.image = \"k\"\n" + line, config::loongarch64_board).messages();
  };
  EXPECT_EQ(elsewhere("pmu = true"), "x.toml:3:7: `pmu`: the loongarch64 board has none\n");
  EXPECT_EQ(elsewhere("pmu = false"), "");
  EXPECT_EQ(Loaded::vm("name = \"x\"\nkernel.image = \"k\"\npmu = true").vm_config.pmu, true);
}

TEST(VmConfig, says_that_a_number_alone_is_bytes) {
  EXPECT_EQ(message_of("memory = 512"),
            "x.toml:2:10: `memory` of 512 is a number of bytes, and no multiple of 4KiB: \"512MiB\" is one\n");
}

// Hostile or mistaken: nobody is made to wait for it.
TEST(VmConfig, does_not_read_a_file_that_is_too_long) {
  EXPECT_EQ(Loaded::vm(std::string(256 * 1024 + 1, '#')).messages(),
            "x.toml: the file has 262145 bytes; at most 262144 are read\n");
}

TEST(VmConfig, refuses_regions_that_no_machine_has) {
  const auto region = [](std::string_view keys) {
    return message_of("[memory]\nregion = [{" + std::string(keys) + "}]");
  };
  EXPECT_TRUE(region("address = 0x4000_0001, size = 4096").contains("does not begin on a page"));
  EXPECT_TRUE(region("address = 0x4000_0000, size = 4097").contains("must be a multiple of 4KiB"));
  EXPECT_TRUE(region("address = -4096, size = 4096").contains("cannot be negative"));
  EXPECT_TRUE(region("address = 0x7fff_ffff_ffff_f000, size = 4096").contains("beyond the last address"));
  EXPECT_TRUE(region("address = 0x8000_0000, size = \"8388607TiB\"").contains("beyond the last address"));
  EXPECT_TRUE(region("address = 0x4000_0000").contains("the key `memory.region.size` (size) is missing"));
  EXPECT_TRUE(region("address = 0, size = 4096, kind = \"rom\"").contains("no region of kind \"ram\""));
  EXPECT_TRUE(region("address = 0, size = 4096, access = \"rx\"").contains("that it may read and write"));
  EXPECT_TRUE(region("address = 0, size = 4096, kind = \"rom\", access = \"rw\"").contains("cannot be written to"));
  for (const std::string_view bad : {"", "w", "x", "rr", "rwz", "R"}) {
    EXPECT_TRUE(region("address = 0, size = 4096, access = \"" + std::string(bad) + "\"").contains("r, w and x"))
        << bad;
  }
}

TEST(VmConfig, wants_cpu_sets_and_policy_to_fit_the_vcpus) {
  EXPECT_TRUE(message_of("cpus = \"0-1\"\nvcpus = 2\naffinity = [\"0\", \"1-2\"]")
                  .contains("x.toml:4:18: `affinity` of vCPU 1 names CPU 2, which is none of `cpus`"));
  EXPECT_TRUE(message_of("vcpus = 3\naffinity = [\"0\"]").contains("has 1 CPU sets for 3 vCPUs"));
  EXPECT_TRUE(message_of("vcpus = 3\ncpus = \"1-2\"\n[scheduler]\npolicy = \"dedicated\"")
                  .contains("3 vCPUs need more than the 2 CPUs they may use"));
  EXPECT_TRUE(table_message_of("[scheduler]\npolicy = \"dedicated\"\nweight = 5").contains("has no effect here"));
  EXPECT_TRUE(table_message_of("[scheduler]\npriority = 5").contains("belongs to the policy \"fixed\""));
}

TEST(VmConfig, lays_out_ram_of_a_stated_size_in_the_banks_of_the_board) {
  MemoryConfig memory;
  memory.size = 512 * hal::mib;
  const auto arm = memory_map(memory, aarch64_board);
  ASSERT_EQ(arm.size(), 1U);
  EXPECT_EQ(arm[0].range, (hal::GuestPhysRange{GuestPhys(0x4000'0000), 512 * hal::mib}));
  const auto loong = memory_map(memory, loongarch64_board);
  ASSERT_EQ(loong.size(), 2U);
  EXPECT_EQ(loong[0].range, (hal::GuestPhysRange{GuestPhys(0), 256 * hal::mib}));
  EXPECT_EQ(loong[1].range, (hal::GuestPhysRange{GuestPhys(0x8000'0000), 256 * hal::mib}));
}

TEST(VmConfig, fills_one_bank_before_it_begins_the_next) {
  MemoryConfig memory;
  for (const uint64_t size : {64 * hal::mib, 256 * hal::mib}) {
    memory.size = size;
    const auto map = memory_map(memory, loongarch64_board);
    ASSERT_EQ(map.size(), 1U);
    EXPECT_EQ(map[0].range, (hal::GuestPhysRange{GuestPhys(0), size}));
  }
  memory.size = 256 * hal::mib + 4096;
  EXPECT_EQ(memory_map(memory, loongarch64_board)[1].range, (hal::GuestPhysRange{GuestPhys(0x8000'0000), 4096}));
}

TEST(VmConfig, sorts_explicit_regions) {
  const Loaded loaded =
      Loaded::vm(file("[memory]\nregion = [{address = 0x5000_0000, size = 4096}, "
                      "{address = 0x4000_0000, size = 4096}]"));
  ASSERT_TRUE(loaded.ok()) << loaded.messages();
  EXPECT_EQ(memory_map(loaded.vm_config.memory, aarch64_board)[0].range.start, GuestPhys(0x4000'0000));
}

TEST(VmConfig, does_not_let_a_file_flood_the_log_or_control_the_terminal) {
  std::string text = file("");
  for (int i = 0; i < 500; ++i) text += "key" + std::to_string(i) + " = 1\n";
  const Loaded flood = Loaded::vm(text);
  EXPECT_EQ(std::ranges::count(flood.messages(), '\n'), Diagnostics::limit + 1);
  EXPECT_TRUE(flood.messages().ends_with("x.toml: more errors follow\n"));
  EXPECT_EQ(message_of("\"\\u001b[2J\\n\" = 1").find('\x1b'), std::string::npos);
}

TEST(VmConfig, accepts_at_most_what_it_has_room_for) {
  std::string many = "passthrough = [";
  for (int i = 0; i < 17; ++i) many += "{address = " + std::to_string(0x10000000 + i * 4096) + ", size = 4096},";
  EXPECT_TRUE(message_of(many + "]").contains("has 17 elements; at most 16 are possible"));
  EXPECT_TRUE(message_of("kernel.cmdline = 1").contains("defined already"));
  const Loaded cmdline = Loaded::vm(file("") + "cmdline = \"" + std::string(2048, 'c') + "\"");
  EXPECT_TRUE(cmdline.messages().contains("is 2048 bytes long; at most 2047 are possible"));
  EXPECT_TRUE(table_message_of("cmdline = \"a\\nb\"").contains("one line without control characters"));
}

TEST(VmConfig, accepts_the_samples) {
  for (const std::string sample : {"linux", "hello", "uboot"}) {
    std::ifstream in(std::string(PLINTH_SOURCE) + "/config/vms/" + sample + ".toml");
    const Loaded loaded = Loaded::vm(std::string(std::istreambuf_iterator<char>(in), {}));
    EXPECT_TRUE(loaded.ok()) << loaded.messages();
    EXPECT_EQ(loaded.vm_config.name, sample);
  }
}

TEST(VmConfig, survives_random_damage) {
  const std::string good = file(
      "vcpus = 2\ncpus = \"0-3\"\n[[memory.region]]\naddress = 0x4000_0000\nsize = \"2MiB\"\n"
      "[[passthrough]]\naddress = 0x1000_0000\nsize = 4096\nirqs = [40]\n"
      "[scheduler]\npolicy = \"fixed\"\npriority = 3\n");
  std::mt19937 random(3);
  for (int round = 0; round < 3000; ++round) {
    std::string text = good;
    for (size_t hits = 1 + random() % 3; hits > 0; --hits) {
      const size_t at = random() % text.size();
      if (random() % 2 == 0) {
        text.erase(at, 1 + random() % 5);
      } else {
        text.insert(at, text.substr(random() % text.size(), random() % 12));
      }
      if (text.empty()) text = "x";
    }
    const Loaded loaded = Loaded::vm(text);
    EXPECT_NE(loaded.ok(), !loaded.messages().empty()) << text;
  }
}

TEST(HostConfig, fills_in_every_default) {
  const Loaded loaded = Loaded::host("");
  ASSERT_TRUE(loaded.ok());
  EXPECT_EQ(loaded.host_config.log_level, LogLevel::info);
  EXPECT_EQ(loaded.host_config.console_escape, 0x1e);
  EXPECT_EQ(loaded.host_config.scheduler_slice_ns, 5'000'000U);
  EXPECT_TRUE(loaded.host_config.vms.empty() && loaded.host_config.console_attach.empty());
}

TEST(HostConfig, reads_every_key) {
  const Loaded loaded = Loaded::host(
      "log_level = \"debug\"\nvms = [\"vms/a.toml\", \"vms/b.toml\"]\n"
      "console = {escape = \"Ctrl-t\", attach = \"a\"}\nscheduler.slice = \"2ms\"");
  ASSERT_TRUE(loaded.ok()) << loaded.messages();
  EXPECT_EQ(loaded.host_config.log_level, LogLevel::debug);
  ASSERT_EQ(loaded.host_config.vms.size(), 2U);
  EXPECT_EQ(loaded.host_config.vms[1], "vms/b.toml");
  EXPECT_EQ(loaded.host_config.console_escape, 't' & 0x1f);
  EXPECT_EQ(loaded.host_config.console_attach, "a");
  EXPECT_EQ(loaded.host_config.scheduler_slice_ns, 2'000'000U);
}

TEST(HostConfig, refuses_what_makes_no_sense) {
  EXPECT_TRUE(Loaded::host("vms = [\"a\", \"a\"]").messages().contains("names \"a\" twice"));
  const Loaded half_good = Loaded::host("log_level = \"debug\"\nvms = 3");
  EXPECT_FALSE(half_good.ok());
  EXPECT_EQ(half_good.host_config.log_level, config::LogLevel::info) << "a bad file gives the defaults, all of them";
  EXPECT_TRUE(Loaded::host("loglevel = \"info\"").messages().contains("did you mean `log_level`?"));
  for (const std::string_view bad : {"Ctrl-M", "Ctrl-[", "Ctrl-", "Ctrl-AB", "^A", "x", "Ctrl-1"}) {
    EXPECT_FALSE(Loaded::host("console.escape = \"" + std::string(bad) + "\"").ok()) << bad;
  }
}

// --- disks -----------------------------------------------------------------------------------------------------------

TEST(Disks, are_images_or_ram) {
  const Loaded loaded = Loaded::vm(file("") +
                                   "[[disk]]\nimage = \"a\"\n"
                                   "[[disk]]\nimage = \"b\"\nmode = \"copy-on-write\"\nlayer = \"2MiB\"\n"
                                   "[[disk]]\nsize = \"4MiB\"\nserial = \"12345678901234567890\"\n");
  ASSERT_TRUE(loaded.ok()) << loaded.messages();
  const auto& disks = loaded.vm_config.disks;
  ASSERT_EQ(disks.size(), 3U);
  EXPECT_EQ(disks[0].mode, DiskMode::read_only);
  EXPECT_EQ(disks[0].image, "a");
  EXPECT_EQ(disks[1].mode, DiskMode::copy_on_write);
  EXPECT_EQ(disks[1].layer, 2 * hal::mib);
  EXPECT_EQ(disks[2].mode, DiskMode::ram);
  EXPECT_EQ(disks[2].size, 4 * hal::mib);
  EXPECT_EQ(disks[2].serial, "12345678901234567890");
  EXPECT_EQ(memory_of(disks[1]) + memory_of(disks[2]), 6 * hal::mib);
  std::string files;
  for_each_file(loaded.vm_config, [&](std::string_view key, std::string_view name) {
    files += std::string(key) + "=" + std::string(name) + " ";
  });
  EXPECT_EQ(files, "kernel.image=x/Image disk.0.image=a disk.1.image=b ");
}

TEST(Disks, that_contradict_themselves_are_refused) {
  const auto message = [](std::string_view keys) { return table_message_of("[[disk]]\n" + std::string(keys)); };
  EXPECT_TRUE(message("serial = \"x\"\n").contains("a disk has an `image`, a `host`, or a `size` if it is RAM alone"));
  EXPECT_TRUE(
      message("image = \"a\"\nsize = \"2MiB\"\n").contains("x.toml:7:1: a disk has an `image` or a `size`, not both"));
  EXPECT_TRUE(message("size = \"2MiB\"\nmode = \"read-only\"\n")
                  .contains("`disk.mode` has no effect here: it belongs to an image"));
  EXPECT_TRUE(message("size = \"2MiB\"\nlayer = \"2MiB\"\n")
                  .contains("`disk.layer` has no effect here: it belongs to an image"));
  EXPECT_TRUE(message("image = \"a\"\nlayer = \"2MiB\"\n").contains("it belongs to the mode \"copy-on-write\""));
  EXPECT_TRUE(message("size = \"1MiB\"\n").contains("2MiB"));
  EXPECT_TRUE(message("image = \"a\"\nmode = \"both\"\n").contains("`copy-on-write`"));
  EXPECT_TRUE(message("image = \"a\"\nserial = \"123456789012345678901\"\n").contains("20"));
}

TEST(Disks, of_the_machine_are_named_by_serial_number_or_place) {
  const Loaded loaded = Loaded::vm(file("") +
                                   "[[disk]]\nhost = \"serial:12345678901234567890\"\nmode = \"read-write\"\n"
                                   "[[disk]]\nhost = \"pci:00:1f.7\"\npartition = 128\n"
                                   "[[disk]]\nhost = \"serial:x\"\noffset = \"2MiB\"\nsize = \"4GiB\"\n");
  ASSERT_TRUE(loaded.ok()) << loaded.messages();
  const auto& disks = loaded.vm_config.disks;
  EXPECT_EQ(disks[0].host, "serial:12345678901234567890");
  EXPECT_EQ(disks[0].mode, DiskMode::read_write);
  EXPECT_EQ(disks[1].partition, 128U);
  EXPECT_EQ(disks[1].mode, DiskMode::read_only);
  EXPECT_EQ(disks[2].offset, 2 * hal::mib);
  EXPECT_EQ(disks[2].size, 4 * hal::gib);
  EXPECT_EQ(memory_of(disks[2]), 0U) << "it is not made of memory";
}

TEST(Disks, of_the_machine_have_no_keys_of_others) {
  const auto message = [](std::string_view keys) { return table_message_of("[[disk]]\n" + std::string(keys)); };
  const std::string host = "host = \"serial:x\"\n";
  for (const std::string_view name : {"x", "serial:", "pci:0:1.0", "pci:00:01", "pci:00:0G.0", "pci:00:01.00", "/dev/sda"}) {
    EXPECT_TRUE(message("host = \"" + std::string(name) + "\"\n").contains("or its place on the bus")) << name;
  }
  EXPECT_TRUE(message(host + "image = \"a\"\n").contains("`disk.image` has no effect here"));
  EXPECT_TRUE(message(host + "partition = 1\nsize = \"2MiB\"\n").contains("belongs to a disk without `partition`"));
  EXPECT_TRUE(message(host + "mode = \"copy-on-write\"\n").contains("only an image is copied"));
  EXPECT_TRUE(message(host + "partition = 0\n").contains("1"));
  EXPECT_TRUE(message("image = \"a\"\npartition = 1\n").contains("belongs to a disk of the machine, `host`"));
  EXPECT_TRUE(message("size = \"2MiB\"\noffset = \"2MiB\"\n").contains("belongs to a disk of the machine, `host`"));
  EXPECT_TRUE(message("image = \"a\"\nmode = \"read-write\"\n").contains("an image is not written"));
}

TEST(Disks, take_the_place_of_the_bus_that_they_are_on) {
  const std::string disk = "[[disk]]\nsize = \"2MiB\"\n";
  const std::string at_the_bridge = "[[memory.region]]\naddress = 0x20000000\nsize = \"4KiB\"\nkind = \"rom\"\n"
                                    "[[memory.region]]\naddress = 0x80000000\nsize = \"64MiB\"\n";
  const auto on_loongarch = [&](const std::string& more) { return Loaded::vm(file("") + more, loongarch64_board); };
  EXPECT_TRUE(on_loongarch(disk).ok());
  EXPECT_TRUE(on_loongarch(at_the_bridge).ok());
  const Loaded both = on_loongarch(at_the_bridge + disk);
  EXPECT_FALSE(both.ok());
  EXPECT_TRUE(both.messages().contains("the PCI bridge"));
}

TEST(Networks, have_names_and_cards_have_addresses) {
  const auto messages = [](const std::string& text) {
    return Loaded::vm(file("") + "[[network]]\nnetwork = \"lan\"\n" + text, aarch64_board).messages();
  };
  EXPECT_EQ(messages("mac = \"52:54:00:12:34:56\"\nbridge = true\nrate = \"1MiB\"\n"), "");
  for (const std::string mac : {"52:54:00:12:34", "52:54:00:12:34:5g", "52-54-00-12-34-56", "52:54:00:12:34:567", ""}) {
    EXPECT_TRUE(messages("mac = \"" + mac + "\"\n").contains("network.mac")) << mac;
  }
  EXPECT_TRUE(messages("mac = \"01:00:5e:00:00:01\"\n").contains("first byte is even"));
  EXPECT_TRUE(messages("mac = \"00:00:00:00:00:00\"\n").contains("not all are 0"));
  const std::string again = "[[network]]\nnetwork = \"other\"\nmac = \"52:54:00:12:34:56\"\n";
  EXPECT_TRUE(messages("mac = \"52:54:00:12:34:56\"\n" + again).contains("has the same address"));
  EXPECT_TRUE(Loaded::vm(file("") + "[[network]]\nnetwork = \"\"\n", aarch64_board).messages().contains("is empty"));
  EXPECT_TRUE(Loaded::vm(file("") + "[[network]]\nbridge = true\n", aarch64_board).messages().contains("network"));
}

}  // namespace
