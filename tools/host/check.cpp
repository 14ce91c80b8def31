// SPDX-License-Identifier: Apache-2.0
#include <filesystem>

#include "tools/host/checker.hpp"
#include "tools/host/commands.hpp"
#include "tools/host/inputs.hpp"

namespace host {

int check(const CheckOptions& options) {
  std::string plinth;
  std::vector<std::string> vms;
  for (const std::string& file : options.files) {
    if (std::filesystem::path(file).filename() == "plinth.toml") {
      plinth = file;
    } else {
      vms.push_back(file);
    }
  }
  auto inputs = Inputs::read(options, plinth, vms);
  if (!inputs) return bad_file;
  Checker checker(options.loongarch64 ? vmm::GuestIsa::loongarch64 : vmm::GuestIsa::aarch64, inputs->files);
  if (!options.dtb.empty()) {
    auto board = BoardFacts::read(options.dtb);
    if (!board) return bad_file;
    checker.set_board(std::move(*board));
  }
  bool all_good = true;
  if (inputs->plinth) all_good &= checker.check_host(*inputs->plinth, inputs->bundled_vms());
  for (const ConfigText& vm : inputs->vms) all_good &= checker.check_vm(vm);
  return all_good ? good : bad_input;
}

}  // namespace host
