// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "tools/host/board.hpp"
#include "tools/host/checker.hpp"
#include "tools/host/commands.hpp"
#include "tools/host/inputs.hpp"

namespace host {
namespace {

// What the board is, for a person or a program; false where no VM can run on it.
bool show(const Board& board, const CheckOptions& options) {
  const std::string label = std::filesystem::path(options.dtb).filename().replace_extension().string();
  std::printf("%s", options.json ? (json_of(board, label) + "\n").c_str() : table_of(board, label).c_str());
  return std::ranges::none_of(missing(board),
                              [](const Missing& m) { return m.gap == Gap::gic || m.gap == Gap::timer; });
}

}  // namespace

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
  bool all_good = true;
  Checker checker(options.loongarch64 ? vmm::GuestIsa::loongarch64 : vmm::GuestIsa::aarch64, inputs->files);
  if (!options.dtb.empty()) {
    auto facts = BoardFacts::read(options.dtb);
    const auto board = facts ? Board::read(options.dtb) : std::nullopt;
    if (!board) return bad_file;
    checker.set_board(std::move(*facts));
    if (!options.loongarch64) all_good &= show(*board, options) || options.files.empty();
  }
  if (inputs->plinth) all_good &= checker.check_host(*inputs->plinth, inputs->bundled_vms());
  for (const ConfigText& vm : inputs->vms) all_good &= checker.check_vm(vm);
  return all_good ? good : bad_input;
}

}  // namespace host
