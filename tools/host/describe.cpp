// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <string>

#include "tools/host/commands.hpp"
#include "tools/host/inputs.hpp"
#include "tools/host/named_files.hpp"
#include "tools/host/quote.hpp"

namespace host {

int describe(const DescribeOptions& options) {
  const auto inputs = Inputs::read(options, "", options.vms);
  if (!inputs) return bad_file;
  std::string out = "[";
  for (const ConfigText& vm : inputs->vms) {
    const NamedFiles named = NamedFiles::of(vm, options.loongarch64);
    std::string files;
    for (const std::string& file : named.all) files += (files.empty() ? "" : ", ") + quote(file);
    if (out.size() > 1) out += ",\n ";
    out += "{\"name\": " + quote(named.vm) + ", \"memory\": " + std::to_string(named.memory) +
           ", \"restarts\": " + (named.restarts ? "true" : "false") + ", \"files\": [" + files + "]}";
  }
  return std::puts((out + "]").c_str()) < 0 || std::fflush(stdout) != 0 ? bad_file : good;
}

}  // namespace host
