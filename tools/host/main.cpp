// SPDX-License-Identifier: Apache-2.0
// plinth-host: what has to understand Plinth's files on the machine that builds and packs. The same parsers as in the
// hypervisor, so that both always agree.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <functional>
#include <map>

#include "tools/host/commands.hpp"

namespace {

void add_common_options(CLI::App& command, host::CommonOptions& options) {
  command.add_option("--arch", options.loongarch64, "The guests' architecture: aarch64 (default) or loongarch64")
      ->transform(CLI::CheckedTransformer(std::map<std::string, bool>{{"aarch64", false}, {"loongarch64", true}})
                      .description(""))
      ->type_name("ARCH");
  command.add_option("--image", options.images, "A file of the bundle and where it is now")
      ->type_name("NAME=PATH")
      ->allow_extra_args(false);
  command.add_option("--file", options.files_by_name, "The same, for names with a `=`")->type_name("NAME PATH");
  command.add_option("--bundle-dir", options.bundle_dir, "A folder laid out like the bundle, for the files not named")
      ->check(CLI::ExistingDirectory.description(""))
      ->type_name("DIR");
  command.add_flag("--complete", options.complete, "There are no other files: miss all that are not given");
  command.add_option("--set", options.sets, "Override one value: linux.vcpus=4, plinth.log_level=debug")
      ->type_name("VM.KEY=VALUE")
      ->allow_extra_args(false);
}

CLI::App& add_check(CLI::App& app, host::CheckOptions& options) {
  CLI::App& command = *app.add_subcommand("check", "Validate VM files and plinth.toml without booting");
  command.add_option("files", options.files, "VM files; one called plinth.toml is the hypervisor's");
  command
      .add_option("--dtb", options.dtb,
                  "A board's device tree: what is understood of it, and has it enough for the VMs?")
      ->type_name("FILE");
  command.add_flag("--json", options.json, "Tell of the board as JSON");
  add_common_options(command, options);
  command.footer(
      "Example:\n  plinth-host check config/vms/linux.toml --image linux/Image=vmlinuz "
      "--image linux/initramfs.cpio.gz=initramfs.cpio.gz");
  return command;
}

CLI::App& add_pack(CLI::App& app, host::PackOptions& options) {
  CLI::App& command = *app.add_subcommand("pack", "Write the bundle that the boot loader hands over");
  command.add_option("-o,--output", options.output, "The archive to write")->required()->type_name("FILE");
  command.add_option("--plinth", options.plinth, "The hypervisor's settings")->type_name("FILE");
  command.add_option("--vm", options.vms, "A VM file; they are created in this order")
      ->type_name("FILE")
      ->allow_extra_args(false);
  command.add_flag("--unchecked", options.unchecked, "Pack even what the hypervisor is going to refuse");
  add_common_options(command, options);
  command.footer(
      "Example:\n  plinth-host pack -o bundle.cpio --vm config/vms/hello.toml --image hello/hello.bin=hello.bin "
      "--set hello.vcpus=2");
  return command;
}

CLI::App& add_describe(CLI::App& app, host::DescribeOptions& options) {
  CLI::App& command = *app.add_subcommand("describe", "Write what VM files ask for, as JSON");
  command.add_option("vms", options.vms, "VM files")->required();
  add_common_options(command, options);
  return command;
}

CLI::App& add_boards(CLI::App& app, host::BoardsOptions& options) {
  CLI::App& command = *app.add_subcommand("boards", "Say what the hypervisor understands of a folder of device trees");
  command.add_option("folder", options.folder, "Where the *.dtb files are, at any depth")
      ->required()
      ->check(CLI::ExistingDirectory.description(""))
      ->type_name("FOLDER");
  command.add_flag("--json", options.json, "One JSON object instead of tables");
  command.add_flag("--list", options.list, "A table for each board, before the counts");
  return command;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Checks and packs what Plinth boots.", "plinth-host");
  app.require_subcommand(1);
  std::function<int()> run;
  host::CheckOptions check_options;
  host::PackOptions pack_options;
  add_check(app, check_options).callback([&] { run = [&] { return host::check(check_options); }; });
  host::BoardsOptions boards_options;
  add_boards(app, boards_options).callback([&] { run = [&] { return host::boards(boards_options); }; });
  add_pack(app, pack_options).callback([&] { run = [&] { return host::pack(pack_options); }; });
  host::DescribeOptions describe_options;
  add_describe(app, describe_options).callback([&] { run = [&] { return host::describe(describe_options); }; });
  app.add_subcommand("toml-decode", "Read TOML from standard input, write the JSON of the toml-test suite")
      ->callback([&] { run = host::toml_decode; });

  CLI11_PARSE(app, argc, argv);
  const int code = run();
  // What is still buffered has not been written.
  const bool written = std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
  if (written || code != host::good) return code;
  std::perror("standard output");
  return host::bad_file;
}
