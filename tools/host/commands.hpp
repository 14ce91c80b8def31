// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

// The subcommands of plinth-host. Each says on stderr what is wrong and returns the exit code: 0 good, 1 the input is
// bad, 2 it could not be read or written.
namespace host {

inline constexpr int good = 0;
inline constexpr int bad_input = 1;
inline constexpr int bad_file = 2;

// Where the files that VM files name come from, and what is changed in them.
struct CommonOptions {
  bool loongarch64 = false;
  std::vector<std::string> images;  // NAME=PATH
  std::vector<std::pair<std::string, std::string>> files_by_name;
  std::string bundle_dir;           // or empty
  bool complete = false;            // there are no others: what is not among them is missing
  std::vector<std::string> sets;    // VM.KEY=VALUE
};

struct CheckOptions : CommonOptions {
  std::vector<std::string> files;
  std::string dtb;    // or empty
  bool json = false;  // the board as one JSON object
};
int check(const CheckOptions& options);

struct PackOptions : CommonOptions {
  std::string output;
  std::string plinth;  // or empty
  std::vector<std::string> vms;
  bool unchecked = false;
};
// Byte for byte the same archive from the same input.
int pack(const PackOptions& options);

struct DescribeOptions : CommonOptions {
  std::vector<std::string> vms;
};
// stdout: JSON, an object for each VM: its name, the bytes of memory that it takes, the bundle's files that it names.
// A file that is not good has no name, memory and files here.
int describe(const DescribeOptions& options);

struct BoardsOptions {
  std::string folder;
  bool json = false;  // one object for each board, and the counts
  bool list = false;  // a table for each board before the counts
};
int boards(const BoardsOptions& options);

// stdin: TOML. stdout: the tagged JSON of the toml-test suite.
int toml_decode();

}  // namespace host
