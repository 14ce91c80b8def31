// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <unistd.h>
#include <zstd.h>

#include <cstring>
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
      writer.string("compatible", "arm,cortex-a53");
      writer.u32("reg", cpu);
      writer.end_node();
    }
    writer.end_node();
    writer.begin_node("reserved-memory");
    writer.u32("#address-cells", 2);
    writer.u32("#size-cells", 2);
    writer.flag("ranges");
    writer.begin_node("kept", 0x3000'0000);
    writer.u64s("reg", {0x3000'0000, 0x1000});
    writer.end_node();
    writer.end_node();
    writer.begin_node("intc", 0x800'0000);
    writer.string("compatible", "arm,gic-v3");
    writer.flag("interrupt-controller");
    writer.u64s("reg", {0x800'0000, 0x1'0000, 0x80a'0000, 0x10'0000});
    writer.u32("#address-cells", 2);
    writer.u32("#size-cells", 2);
    writer.flag("ranges");
    writer.begin_node("its", 0x808'0000);
    writer.flag("msi-controller");
    writer.u64s("reg", {0x808'0000, 0x2'0000});
    writer.end_node();
    writer.end_node();
    writer.begin_node("pl011", 0x900'0000);
    writer.string("compatible", "arm,pl011");
    writer.u64s("reg", {0x900'0000, 0x1000});
    writer.end_node();
    writer.begin_node("smmuv3", 0x905'0000);
    writer.u32("#iommu-cells", 1);
    writer.u64s("reg", {0x905'0000, 0x2'0000});
    writer.end_node();
    writer.begin_node("ged", 0x100e'0000);
    writer.string("compatible", "syscon");
    writer.u64s("reg", {0x100e'0000, 0x40});
    writer.u32("phandle", 7);
    writer.end_node();
    writer.begin_node("poweroff");
    writer.string("compatible", "syscon-poweroff");
    writer.u32("regmap", 7);
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
  EXPECT_EQ(check(vm("a", "memory = \"128MiB\"\ncpus = \"0-1\"\ngic = 3"), true).errors, "");
  EXPECT_EQ(check(vm("a", "memory = \"255MiB\""), true).errors, "vm.toml:2:10: `memory`: 255MiB wanted, 254MiB free\n");
  EXPECT_EQ(check(vm("a", "cpus = \"2\""), true).errors,
            "vm.toml:2:8: `cpus` leaves vCPU 0 no CPU that this machine has\n");
  EXPECT_EQ(check(vm("a", "vcpus = 2\naffinity = [\"0\", \"2\"]"), true).errors,
            "vm.toml:3:18: `affinity` leaves vCPU 1 no CPU that this machine has\n");
  EXPECT_EQ(check(vm("a", "gic = 2"), true).errors,
            "vm.toml:2:7: `gic`: the VM wants a GICv2, and this machine has a GICv3\n");
  EXPECT_TRUE(check(vm("a", "vcpus = 3\nscheduler.policy = \"dedicated\""), true).errors.contains("need a CPU each"));
  EXPECT_TRUE(check(vm("a", "memory.region = [{address = 0x4000_0000, size = \"64MiB\"}, "
                            "{address = 0x100_0000_0000, size = 4096}]"), true)
                  .errors.contains("but guests have only 40 address bits on this machine"));
}

TEST_F(HostTool, asks_no_board_about_what_none_has) {
  EXPECT_EQ(check(vm("a", "gic = 2\nvcpus = 9")).errors,
            "vm.toml:3:9: `vcpus`: a GICv2 serves at most 8 vCPUs, not 9\n");
  EXPECT_TRUE(check(vm("a", "passthrough = [{address = 0x1000_0000, size = 4096, irqs = [40]}]"))
                  .errors.contains("interrupts cannot be given to a guest"));
}

// What is given away has nobody else, and the message says who has it.
TEST_F(HostTool, gives_no_range_away_that_has_an_owner) {
  const auto device = [](const char* address) {
    return vm("a", std::string("passthrough = [{address = ") + address + ", guest = 0x1000_0000, size = 4096}]");
  };
  const auto owned = [&](const char* address, const std::string& owner) {
    const std::string errors = check(device(address), true).errors;
    EXPECT_TRUE(errors.starts_with("vm.toml:2:27: `passthrough`: ")) << errors;
    EXPECT_TRUE(errors.ends_with("cannot be given away: it belongs to " + owner + "\n")) << errors;
  };
  owned("0x4000_0000", "the machine's RAM");
  owned("0x4fff_f000", "the machine's RAM");
  owned("0x3000_0000", "memory that the firmware keeps");
  owned("0x0800_0000", "an interrupt controller");
  owned("0x0808_0000", "an interrupt controller");
  owned("0x0905_0000", "an IOMMU");
  owned("0x0900_0000", "Plinth's console");
  owned("0x100e_0000", "what switches the machine off");
  EXPECT_EQ(check(device("0x0a00_0000"), true).errors, "");

  host::CheckOptions options;
  options.files = {write("one.toml", vm("one", "passthrough = [{address = 0x1000_0000, size = 8192}]")),
                   write("two.toml", vm("two", "passthrough = [{address = 0x1000_1000, size = 4096}]"))};
  EXPECT_TRUE(run(host::check, options).errors.ends_with("it belongs to VM one\n"));
}

TEST_F(HostTool, adds_up_the_memory_of_all_vms) {
  host::CheckOptions options;
  options.files = {write("one.toml", vm("one", "memory = \"200MiB\"")),
                   write("two.toml", vm("two", "memory = \"200MiB\""))};
  options.dtb = board();
  const Outcome outcome = run(host::check, options);
  EXPECT_EQ(outcome.code, host::bad_input);
  EXPECT_EQ(outcome.errors, "two.toml:2:10: `memory`: 200MiB wanted, 54MiB free\n");
}

TEST_F(HostTool, misses_what_the_hypervisor_would_not_find) {
  EXPECT_TRUE(check("name = \"a\"\n[kernel]\nimage = \"./x/code\"\n").errors.contains("without `.` and `..`"));
  fs::create_directories(folder_ / "x" / "folder");
  EXPECT_TRUE(check("name = \"a\"\n[kernel]\nimage = \"x/folder\"\n").errors.contains("has no file \"x/folder\""));
  host::CheckOptions options;
  options.files = {path("a.toml")};
  options.complete = true;
  EXPECT_EQ(run(host::check, options).errors, "a.toml:4:9: `kernel.image`: the bundle has no file \"x/code\"\n");
  options.images = {"x/code=" + path("x/folder")};
  EXPECT_NE(run(host::check, options).code, host::good);
  options.images = {"x/code=" + path("x/code")};
  options.files = {path("a.toml"), write("plinth.toml", "vms = [\"vms/a.toml\", \"vms/b.toml\"]")};
  EXPECT_EQ(run(host::check, options).errors, "plinth.toml:1:22: the bundle has no file \"vms/b.toml\"\n");
  options.files = {write("a.tml", vm("a", ""))};
  EXPECT_TRUE(run(host::check, options).errors.contains("a VM file is called NAME.toml"));
}

TEST_F(HostTool, refuses_entries_where_no_code_can_run) {
  const std::string kernel = "load = 0x4008_0000\nentry = 0x4008_0002\n";
  EXPECT_TRUE(check(vm("a", "") + kernel).errors.contains("is no multiple of 4"));
  EXPECT_TRUE(check(vm("a", "") + "[[memory.region]]\naddress = 0x4000_0000\nsize = \"64MiB\"\naccess = \"rw\"\n")
                  .errors.contains("the region's `access` lacks x"));
}

TEST_F(HostTool, refuses_a_tree_whose_cells_cannot_hold_the_memory) {
  std::byte buffer[512];
  hal::FdtWriter writer(buffer);
  writer.begin_node("");
  writer.u32("#address-cells", 1);
  writer.u32("#size-cells", 1);
  writer.end_node();
  const auto blob = writer.finish().value();
  write("x/tree", {reinterpret_cast<const char*>(blob.data()), blob.size()});
  EXPECT_EQ(check(vm("a", "memory = \"1GiB\"") + "dtb = \"x/tree\"\n").errors, "");
  EXPECT_TRUE(check(vm("a", "memory = \"4GiB\"") + "dtb = \"x/tree\"\n")
                  .errors.starts_with("vm.toml:5:7: `kernel.dtb` \"x/tree\": the VM's RAM does not fit"));
}

TEST_F(HostTool, tells_vms_of_one_name_apart) {
  host::CheckOptions options;
  options.files = {path("a.toml"), write("b.toml", vm("a", ""))};
  EXPECT_EQ(run(host::check, options).errors, "b.toml:1:8: there is a VM \"a\" already\n");
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

// What zstd packed, the hypervisor could not unpack.
TEST_F(HostTool, unpacks_kernels_that_are_packed_with_zstd) {
  const std::string kernel = raw_kernel();
  std::string packed(ZSTD_compressBound(kernel.size()), '\0');
  packed.resize(ZSTD_compress(packed.data(), packed.size(), kernel.data(), kernel.size(), 3));
  std::string zboot(256, '\0');
  const auto poke = [&](size_t at, uint32_t value) { std::memcpy(zboot.data() + at, &value, sizeof value); };
  poke(0, 0x5a4d);
  poke(4, 0x676d'697a);
  poke(8, 256);
  poke(12, static_cast<uint32_t>(packed.size()));
  poke(60, 64);
  poke(64, 0x4550);
  poke(68, 0xaa64);
  for (const std::string& file : {packed, zboot + packed + "rest"}) {
    write("x/code", file);
    EXPECT_EQ(check(vm("a", "")).errors, "");
    ASSERT_EQ(run(host::pack, pack_options()).code, host::good);
    const std::string bundle = *host::read_file(path("out.cpio"));
    const hal::Cpio cpio = hal::Cpio::open(host::bytes_of(bundle)).value();
    const auto data = cpio.find("x/code")->data;
    EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(data.data()), data.size()), kernel);
  }
  write("x/code", packed.substr(0, packed.size() - 3));
  const Outcome outcome = run(host::pack, pack_options());
  EXPECT_EQ(outcome.code, host::bad_input);
  EXPECT_EQ(outcome.errors, "x/code: unpacking zstd: the file is cut off\n"
                            "a.toml:4:9: `kernel.image`: \"x/code\" cannot be read, as said above\n");
}

TEST_F(HostTool, describes_what_vm_files_ask_for) {
  host::DescribeOptions options;
  options.vms = {path("a.toml"), write("bad.toml", "name = ")};
  options.sets = {"a.memory=2GiB", "a.kernel.initrd=x/with=sign"};
  EXPECT_EQ(run(host::describe, options).output,
            "[{\"name\": \"a\", \"memory\": 2147483648, \"restarts\": false, \"files\": [\"x/code\", \"x/with=sign\"]},\n"
            " {\"name\": \"\", \"memory\": 0, \"restarts\": false, \"files\": []}]\n");
}

TEST_F(HostTool, finds_files_with_an_equals_sign_in_their_name) {
  host::PackOptions options = pack_options();
  options.sets = {"a.kernel.initrd=x/with=sign"};
  options.files_by_name = {{"x/with=sign", path("x/code")}};
  EXPECT_EQ(run(host::pack, options).code, host::good);
}

// A full disk leaves nothing behind, and a device stays a device.
TEST_F(HostTool, puts_no_file_in_the_place_of_a_device) {
  host::PackOptions options = pack_options();
  options.output = "/dev/full";
  const Outcome outcome = run(host::pack, options);
  EXPECT_EQ(outcome.code, host::bad_file);
  EXPECT_EQ(outcome.errors, "/dev/full: No space left on device\n");
  EXPECT_TRUE(fs::is_character_file("/dev/full"));
  options.output = path("none/out.cpio");
  EXPECT_EQ(run(host::pack, options).errors, "none/out.cpio: No such file or directory\n");
}

TEST_F(HostTool, says_what_it_cannot_read) {
  host::PackOptions options = pack_options();
  options.vms = {path("missing.toml")};
  const Outcome outcome = run(host::pack, options);
  EXPECT_EQ(outcome.code, host::bad_file);
  EXPECT_EQ(outcome.errors, "missing.toml: No such file or directory\n");
}

}  // namespace
