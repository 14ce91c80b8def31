// SPDX-License-Identifier: Apache-2.0
#include "dtc.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

namespace dtc {
namespace {

// Runs dtc from one file to another, both private to this process.
std::string run(std::string_view from, std::string_view to, std::string_view input) {
  const std::string stem = testing::TempDir() + "plinth-dtc-" + std::to_string(getpid());
  const std::string in = stem + ".in";
  const std::string out = stem + ".out";
  std::ofstream(in, std::ios::binary).write(input.data(), static_cast<std::streamsize>(input.size()));
  const std::string command =
      "dtc -q -I " + std::string(from) + " -O " + std::string(to) + " -o " + out + " " + in + " 2>/dev/null";
  std::string output;
  if (std::system(command.c_str()) == 0) {
    std::ifstream file(out, std::ios::binary);
    output.assign(std::istreambuf_iterator<char>(file), {});
  }
  std::remove(in.c_str());
  std::remove(out.c_str());
  return output;
}

}  // namespace

bool is_installed() {
  static const bool found = std::system("dtc --version >/dev/null 2>&1") == 0;
  return found;
}

Blob compile(std::string_view source) {
  const std::string blob = run("dts", "dtb", source);
  const auto bytes = std::as_bytes(std::span(blob));
  return {bytes.begin(), bytes.end()};
}

std::string decompile(std::span<const std::byte> blob) {
  return run("dtb", "dts", {reinterpret_cast<const char*>(blob.data()), blob.size()});
}

}  // namespace dtc
