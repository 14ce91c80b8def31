// SPDX-License-Identifier: Apache-2.0
#include "tools/host/bundle_files.hpp"

#include <cstdio>

#include "tools/host/files.hpp"
#include "tools/host/unpack.hpp"

namespace host {

bool BundleFiles::add(std::string_view argument) {
  const size_t equals = argument.find('=');
  const std::string name(argument.substr(0, equals));
  if (equals == std::string_view::npos || name.empty() || equals + 1 == argument.size()) {
    std::fprintf(stderr, "--image %.*s: write it as NAME=PATH, like linux/Image=build/Image\n",
                 static_cast<int>(argument.size()), argument.data());
    return false;
  }
  return add(name, argument.substr(equals + 1));
}

bool BundleFiles::add(const std::string& name, const std::filesystem::path& path) {
  const auto [existing, fresh] = named_.emplace(name, path);
  if (!fresh) std::fprintf(stderr, "--image %s is given twice\n", name.c_str());
  return fresh;
}

std::optional<std::filesystem::path> BundleFiles::find(const std::string& name) const {
  if (const auto found = named_.find(name); found != named_.end()) return found->second;
  if (folder_.empty()) return {};
  std::error_code error;
  if (!std::filesystem::is_regular_file(folder_ / name, error)) return {};
  return folder_ / name;
}

const std::string* BundleFiles::content(const std::string& name) {
  if (const auto found = read_.find(name); found != read_.end()) return &found->second;
  const auto path = find(name);
  auto text = path ? read_file(*path) : std::nullopt;
  if (text && kernels_.contains(name)) text = unpack_kernel(std::move(*text), path->native());
  if (!text) return nullptr;
  return &read_.emplace(name, std::move(*text)).first->second;
}

}  // namespace host
