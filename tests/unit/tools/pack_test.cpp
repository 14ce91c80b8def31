// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "hal/base/cpio.hpp"
#include "hal/base/fdt_writer.hpp"
#include "tools/host/commands.hpp"
#include "tools/host/files.hpp"

namespace {

namespace fs = std::filesystem;

// A folder of VM files and images, and what a command said about them.
class HostTool : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / ("plinth-host-" + std::to_string(getpid()));
    fs::create_directories(folder_ / "x");
    write("x/code", raw_kernel());
    write("a.toml", vm("a", ""));
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string write(const std::string& name, std::string_view text) {
    std::ofstream(folder_ / name, std::ios::binary) << text;
    return path(name);
  }
  [[nodiscard]] std::string path(const std::string& name) const { return (folder_ / name).string(); }
  static std::string vm(const std::string& name, const std::string& more) {
    return "name = \"" + name + "\"\n" + more + "\n[kernel]\nimage = \"x/code\"\n";
  }
  // 64 times `nop`: code enough for a raw kernel.
  static std::string raw_kernel() {
    std::string code;
    for (int i = 0; i < 64; ++i) code += std::string("\x1f\x20\x03\xd5", 4);
    return code;
  }
  // A board with 256 MiB and two CPUs.
  std::string board() {
    std::byte buffer[4096];
    hal::FdtWriter writer(buffer);
    writer.begin_node("");
    writer.u32("#address-cells", 2);
    writer.u32("#size-cells", 2);
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
    writer.string("compatible", "arm,gic-v3");
    writer.end_node();
    const hal::GuestPhysRange memory{hal::GuestPhys(0x4000'0000), 256 * hal::mib};
    write_memory(writer, {&memory, 1});
    writer.end_node();
    const auto blob = writer.finish().value();
    return write("board.dtb", {reinterpret_cast<const char*>(blob.data()), blob.size()});
  }

  struct Outcome {
    int code;
    std::string output;
    std::string errors;
  };
  template <class Command, class Options>
  Outcome run(Command command, const Options& options) {
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int code = command(options);
    std::string output = testing::internal::GetCapturedStdout();
    std::string errors = testing::internal::GetCapturedStderr();
    // Messages name files as they were given: without the folder they read the same everywhere.
    for (std::string* text : {&output, &errors}) {
      const std::string prefix = folder_.string() + "/";
      for (size_t at = text->find(prefix); at != std::string::npos; at = text->find(prefix)) {
        text->erase(at, prefix.size());
      }
    }
    return {code, output, errors};
  }
  Outcome check(const std::string& toml, bool with_board = false) {
    host::CheckOptions options;
    options.files = {write("vm.toml", toml)};
    options.bundle_dir = folder_.string();
    if (with_board) options.dtb = board();
    return run(host::check, options);
  }
  host::PackOptions pack_options() {
    host::PackOptions options;
    options.output = path("out.cpio");
    options.vms = {path("a.toml")};
    options.images = {"x/code=" + path("x/code")};
    return options;
  }

  fs::path folder_;
};

TEST_F(HostTool, accepts_a_good_vm_in_one_line) {
  const Outcome outcome = check(vm("a", "vcpus = 2\nmemory = \"64MiB\""));
  EXPECT_EQ(outcome.code, host::good) << outcome.errors;
  EXPECT_EQ(outcome.output, "vm.toml: VM a, 2 vCPUs, 64MiB of memory\n");
  EXPECT_EQ(outcome.errors, "");
}

TEST_F(HostTool, points_at_what_is_wrong) {
  const Outcome outcome = check(vm("a", "memroy = 1"));
  EXPECT_EQ(outcome.code, host::bad_input);
  EXPECT_EQ(outcome.errors, "vm.toml:2:1: unknown key `memroy`, did you mean `memory`?\n");
}

TEST_F(HostTool, misses_files_that_the_bundle_would_not_have) {
  EXPECT_EQ(check(vm("a", "") + "initrd = \"x/none\"\n").errors,
            "vm.toml:5:10: `kernel.initrd`: the bundle has no file \"x/none\"\n");
  EXPECT_EQ(check(vm("a", "") + "dtb = \"x/none\"\n").errors,
            "vm.toml:5:7: `kernel.dtb`: the bundle has no file \"x/none\"\n");
}

TEST_F(HostTool, looks_into_the_images) {
  write("x/code", std::string(3 << 20, '\x1f'));
  EXPECT_TRUE(check(vm("a", "memory = \"2MiB\"")).errors.contains("vm.toml:4:9: `kernel.image` \"x/code\": "));
  write("x/code", "\x1f\x8b\x08 this gzip file is cut off");
  EXPECT_EQ(check(vm("a", "")).code, host::bad_input);
  write("x/code", raw_kernel());
  EXPECT_TRUE(check(vm("a", "") + "dtb = \"x/code\"\n").errors.contains("not a device tree (bad magic)"));
  EXPECT_TRUE(check(vm("a", "") + "[[memory.region]]\naddress = 0x4000_0000\nsize = \"1MiB\"\n[[memory.region]]\n"
                                  "address = 0\nsize = 4096\nimage = \"x/big\"\n")
                  .errors.contains("has no file \"x/big\""));
}

TEST_F(HostTool, measures_vms_against_a_board) {
  EXPECT_EQ(check(vm("a", "memory = \"128MiB\"\ncpus = \"0-1\"\ngic = 3"), true).code, host::good);
  EXPECT_TRUE(check(vm("a", "memory = \"255MiB\""), true).errors.contains("vm.toml:2:10: the VM wants 255MiB"));
  EXPECT_TRUE(check(vm("a", "cpus = \"1-2\""), true).errors.contains("names CPU 2; the board has the CPUs 0 to 1"));
  EXPECT_TRUE(check(vm("a", "gic = 2"), true).errors.contains("`gic` is 2; the board has a GICv3"));
  EXPECT_TRUE(check(vm("a", "vcpus = 3\nscheduler.policy = \"dedicated\""), true).errors.contains("need a CPU each"));
  EXPECT_TRUE(check(vm("a", "passthrough = [{address = 0x4000_0000, guest = 0x1000_0000, size = 4096}]"), true)
                  .errors.contains("is the board's RAM, not a device"));
}

TEST_F(HostTool, adds_up_the_memory_of_all_vms) {
  host::CheckOptions options;
  options.files = {write("one.toml", vm("one", "memory = \"200MiB\"")),
                   write("two.toml", vm("two", "memory = \"200MiB\""))};
  options.dtb = board();
  const Outcome outcome = run(host::check, options);
  EXPECT_EQ(outcome.code, host::bad_input);
  EXPECT_EQ(outcome.errors, "the VMs need 400MiB together and Plinth 2MiB; the board has 256MiB\n");
}

TEST_F(HostTool, tells_vms_of_one_name_apart) {
  host::CheckOptions options;
  options.files = {path("a.toml"), write("b.toml", vm("a", ""))};
  EXPECT_EQ(run(host::check, options).errors, "b.toml:1:8: another VM is called \"a\" too\n");
}

TEST_F(HostTool, refuses_a_damaged_board) {
  host::CheckOptions options;
  options.files = {path("a.toml")};
  options.dtb = write("board.dtb", "no device tree, but as long as a header of one");
  const Outcome outcome = run(host::check, options);
  EXPECT_EQ(outcome.code, host::bad_file);
  EXPECT_EQ(outcome.errors, "board.dtb: not a device tree (bad magic)\n");
}

TEST_F(HostTool, packs_settings_vms_and_images_in_that_order) {
  host::PackOptions options = pack_options();
  options.plinth = write("settings.toml", "log_level = \"info\"\n");
  const Outcome outcome = run(host::pack, options);
  ASSERT_EQ(outcome.code, host::good) << outcome.errors;
  const std::string bundle = *host::read_file(path("out.cpio"));
  const hal::Cpio cpio = hal::Cpio::open(host::bytes_of(bundle)).value();
  std::string names;
  for (const hal::CpioEntry& entry : cpio) names += std::string(entry.name) + " ";
  EXPECT_EQ(names, "plinth.toml vms/a.toml x/code ");
}

TEST_F(HostTool, packs_the_same_bytes_again) {
  EXPECT_EQ(run(host::pack, pack_options()).code, host::good);
  const std::string first = *host::read_file(path("out.cpio"));
  fs::last_write_time(path("a.toml"), fs::file_time_type::clock::now() - std::chrono::hours(1000));
  EXPECT_EQ(run(host::pack, pack_options()).code, host::good);
  EXPECT_EQ(*host::read_file(path("out.cpio")), first);
}

TEST_F(HostTool, packs_the_effective_toml) {
  host::PackOptions options = pack_options();
  options.sets = {"a.vcpus=3", "plinth.log_level=debug"};
  ASSERT_EQ(run(host::pack, options).code, host::good);
  const std::string bundle = *host::read_file(path("out.cpio"));
  EXPECT_TRUE(bundle.contains("vcpus = 3\nname = \"a\""));
  EXPECT_TRUE(bundle.contains("log_level = \"debug\"\n"));
}

TEST_F(HostTool, finds_images_in_the_bundle_folder) {
  host::PackOptions options = pack_options();
  options.images.clear();
  options.bundle_dir = folder_.string();
  ASSERT_EQ(run(host::pack, options).code, host::good);
  EXPECT_TRUE(host::read_file(path("out.cpio"))->contains("x/code"));
}

TEST_F(HostTool, names_the_override_that_made_a_file_bad) {
  host::PackOptions options = pack_options();
  options.sets = {"a.vcpus=100"};
  const Outcome outcome = run(host::pack, options);
  EXPECT_EQ(outcome.code, host::bad_input);
  EXPECT_EQ(outcome.errors, "a.toml: `vcpus` must be between 1 and 64, not 100 (--set a.vcpus=100)\n");
  EXPECT_FALSE(fs::exists(path("out.cpio")));
}

TEST_F(HostTool, refuses_an_override_of_nobody) {
  host::PackOptions options = pack_options();
  options.sets = {"b.vcpus=1"};
  EXPECT_EQ(run(host::pack, options).errors, "--set b.vcpus=1: no VM is called \"b\"; there are: a plinth\n");
}

TEST_F(HostTool, packs_a_bad_file_only_when_told_to) {
  write("a.toml", "nonsense");
  EXPECT_EQ(run(host::pack, pack_options()).code, host::bad_input);
  host::PackOptions options = pack_options();
  options.unchecked = true;
  EXPECT_EQ(run(host::pack, options).code, host::good);
  EXPECT_TRUE(host::read_file(path("out.cpio"))->contains("nonsense"));
}

TEST_F(HostTool, says_what_it_cannot_read) {
  host::PackOptions options = pack_options();
  options.vms = {path("missing.toml")};
  const Outcome outcome = run(host::pack, options);
  EXPECT_EQ(outcome.code, host::bad_file);
  EXPECT_EQ(outcome.errors, "missing.toml: No such file or directory\n");
}

}  // namespace
