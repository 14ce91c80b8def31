// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

// The subcommands of plinth-host. Each says on stderr what is wrong and returns the exit code: 0 good, 1 the input is
// bad, 2 it could not be read or written.
namespace host {

using Path = std::filesystem::path;

// stdin: TOML. stdout: the tagged JSON of the toml-test suite.
int toml_decode();

}  // namespace host
