// SPDX-License-Identifier: Apache-2.0
// What is told of boards: alone, with VM files, and of many.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "hal/base/fdt_writer.hpp"
#include "tools/host/board.hpp"
#include "tools/host/commands.hpp"

namespace {

namespace fs = std::filesystem;

struct Shape {
  std::string uart = "arm,pl011";
  std::string gic = "arm,gic-v3";
  bool timer = true;
  bool psci = true;
  bool memory = false;
};

std::string tree_of(const Shape& shape) {
  std::byte buffer[4096];
  hal::FdtWriter writer(buffer);
  writer.begin_node("");
  writer.string("model", "A board");
  writer.u32("#address-cells", 2);
  writer.u32("#size-cells", 2);
  writer.u32("interrupt-parent", 1);
  writer.begin_node("cpus");
  writer.u32("#address-cells", 1);
  writer.u32("#size-cells", 0);
  for (uint32_t cpu = 0; cpu < 2; ++cpu) {
    writer.begin_node("cpu", cpu);
    writer.string("device_type", "cpu");
    writer.u32("reg", cpu);
    writer.end_node();
  }
  writer.end_node();
  writer.begin_node("intc", 0x800'0000);
  writer.string("compatible", shape.gic);
  writer.flag("interrupt-controller");
  writer.u32("#interrupt-cells", 3);
  writer.u64s("reg", {0x800'0000, 0x1'0000, 0x80a'0000, 0x10'0000});
  writer.u32("phandle", 1);
  writer.end_node();
  if (shape.timer) {
    writer.begin_node("timer");
    writer.string("compatible", "arm,armv8-timer");
    writer.cells("interrupts", {1, 13, 4, 1, 14, 4, 1, 11, 4, 1, 10, 4});
    writer.end_node();
  }
  if (shape.psci) {
    writer.begin_node("psci");
    writer.string("compatible", "arm,psci-1.0");
    writer.string("method", "smc");
    writer.end_node();
  }
  writer.begin_node("serial", 0x900'0000);
  writer.string("compatible", shape.uart);
  writer.u64s("reg", {0x900'0000, 0x1000});
  writer.end_node();
  writer.begin_node("iommu", 0x905'0000);
  writer.string("compatible", "arm,smmu-v3");
  writer.u32("#iommu-cells", 1);
  writer.end_node();
  writer.begin_node("chosen");
  writer.string("stdout-path", "/serial@9000000");
  writer.end_node();
  const hal::GuestPhysRange memory{hal::GuestPhys(0x4000'0000), 256 * hal::mib};
  if (shape.memory) write_memory(writer, {&memory, 1});
  writer.end_node();
  const auto blob = writer.finish().value();
  return {reinterpret_cast<const char*>(blob.data()), blob.size()};
}

class BoardTool : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / ("plinth-boards-" + std::to_string(getpid()));
    fs::create_directories(folder_ / "vendor");
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name, std::ios::binary) << text;
    return (folder_ / name).string();
  }
  struct Outcome {
    int code;
    std::string output;
  };
  template <class Command, class Options>
  static Outcome run(Command command, const Options& options) {
    testing::internal::CaptureStdout();
    const int code = command(options);
    return {code, testing::internal::GetCapturedStdout()};
  }
  Outcome check(const Shape& shape, bool json = false) {
    host::CheckOptions options;
    options.dtb = write("board.dtb", tree_of(shape));
    options.json = json;
    return run(host::check, options);
  }

  fs::path folder_;
};

TEST_F(BoardTool, tells_a_person_what_it_found) {
  const Outcome told = check({});
  EXPECT_EQ(told.code, host::good);
  EXPECT_EQ(told.output,
            "board: A board\n"
            "  console       arm,pl011 /serial@9000000 (stdout-path), driver pl011 at 0x9000000, polled\n"
            "  GIC           GICv3 at 0x8000000, 1 redistributor region, maintenance INTID 25 (assumed)\n"
            "  timer         virtual INTID 27, hypervisor INTID 26\n"
            "  CPUs          2\n"
            "  start         PSCI by SMC\n"
            "  RAM           filled in by firmware\n"
            "  reservations  0\n"
            "  IOMMUs        arm,smmu-v3\n");
}

TEST_F(BoardTool, says_what_is_missing_and_what_that_means) {
  const std::string without_console = check({.uart = "acme,uart"}).output;
  EXPECT_TRUE(without_console.contains("missing       console: no driver for acme,uart: nothing is seen"))
      << without_console;
  EXPECT_TRUE(check({.gic = "apple,aic"})
                  .output.contains("missing       gic: the device tree describes no GICv2 or GICv3: no VM runs"));
  EXPECT_TRUE(check({.timer = false}).output.contains("missing       timer: "));
  EXPECT_TRUE(check({.psci = false}).output.contains("missing       cpus: 1 of 2 CPUs cannot be started: no PSCI"));
}

TEST_F(BoardTool, tells_programs_the_same) {
  const std::string json = check({.uart = "acme,uart", .memory = true}, true).output;
  for (const std::string_view part : {R"("board":"board","model":"A board")", R"("compatible":"acme,uart")",
                                      R"("driver":null)", R"("memory":268435456)", R"("iommus":["arm,smmu-v3"])",
                                      R"("missing":[{"what":"console","why":"no driver for acme,uart"}])"}) {
    EXPECT_TRUE(json.contains(part)) << part << " in " << json;
  }
}

TEST_F(BoardTool, refuses_vms_on_a_board_that_can_run_none) {
  host::CheckOptions options;
  options.files = {write("vm.toml", "name = \"a\"\n[kernel]\nimage = \"x\"\n")};
  options.dtb = write("board.dtb", tree_of({}));
  EXPECT_EQ(run(host::check, options).code, host::good) << "memory is firmware's to fill in";
  options.dtb = write("board.dtb", tree_of({.timer = false}));
  EXPECT_EQ(run(host::check, options).code, host::bad_input);
}

TEST_F(BoardTool, counts_a_folder_of_boards) {
  write("vendor/one.dtb", tree_of({}));
  write("vendor/two.dtb", tree_of({.uart = "acme,uart"}));
  write("three.dtb", tree_of({.timer = false}));
  write("readme.txt", "no tree");
  host::BoardsOptions options;
  options.folder = folder_.string();
  const Outcome told = run(host::boards, options);
  EXPECT_EQ(told.code, host::good);
  for (const std::string_view line :
       {"3 device trees, 0 of them damaged", "     3  gic\n", "     2  console\n", "     2  timer\n", "     1  all\n",
        "     1  console: no driver for acme,uart\n"}) {
    EXPECT_TRUE(told.output.contains(line)) << line << " in " << told.output;
  }
  options.json = true;
  EXPECT_TRUE(
      run(host::boards, options).output.contains(R"("understood":{"all":1,"console":2,"cpus":3,"gic":3,"timer":2})"));
}

TEST_F(BoardTool, says_which_of_many_trees_are_damaged) {
  write("good.dtb", tree_of({}));
  write("cut.dtb", tree_of({}).substr(0, 200));
  host::BoardsOptions options;
  options.folder = folder_.string();
  testing::internal::CaptureStderr();
  const Outcome told = run(host::boards, options);
  EXPECT_TRUE(testing::internal::GetCapturedStderr().contains("cut.dtb: "));
  EXPECT_EQ(told.code, host::bad_input);
  EXPECT_TRUE(told.output.contains("2 device trees, 1 of them damaged"));
}

}  // namespace
