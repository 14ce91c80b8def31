// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace host {

// The files that VM files name, before there is a bundle: given one by one, or found in a folder laid out like it.
class BundleFiles {
 public:
  BundleFiles() = default;

  // "NAME=PATH"; false, after a message, when it has another form.
  bool add(std::string_view argument);
  bool add(const std::string& name, const std::filesystem::path& path);
  // `name` is a kernel, which goes into the bundle unpacked where the hypervisor could not unpack it.
  void add_kernel(const std::string& name) { kernels_.insert(name); }
  void set_folder(std::filesystem::path folder) { folder_ = std::move(folder); }

  // False: nobody said where files are, so that their absence means nothing.
  [[nodiscard]] bool known() const { return complete_ || !named_.empty() || !folder_.empty(); }
  // These files are all that there are going to be, even if they are none.
  void set_complete() { complete_ = true; }
  [[nodiscard]] std::optional<std::filesystem::path> find(const std::string& name) const;
  // The content as it goes into the bundle, read once; null when there is no such file or, after a message, when it cannot be read.
  const std::string* content(const std::string& name);
  // Those given one by one.
  [[nodiscard]] const std::map<std::string, std::filesystem::path>& named() const { return named_; }

 private:
  std::map<std::string, std::filesystem::path> named_;
  bool complete_ = false;
  std::set<std::string> kernels_;
  std::filesystem::path folder_;
  std::map<std::string, std::string> read_;
};

}  // namespace host
