// SPDX-License-Identifier: Apache-2.0
// plinth-host: what has to understand Plinth's files on the machine that builds and packs. The same parsers as in the
// hypervisor, so that both always agree.
#include <CLI/CLI.hpp>
#include <functional>

#include "tools/host/commands.hpp"

int main(int argc, char** argv) {
  CLI::App app("Checks and packs what Plinth boots.", "plinth-host");
  app.require_subcommand(1);
  std::function<int()> run;

  app.add_subcommand("toml-decode", "Read TOML from standard input, write the JSON of the toml-test suite")
      ->callback([&] { run = host::toml_decode; });

  CLI11_PARSE(app, argc, argv);
  return run();
}
