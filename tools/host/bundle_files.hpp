// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <optional>
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
  void set_folder(std::filesystem::path folder) { folder_ = std::move(folder); }

  // False: nobody said where files are, so that their absence means nothing.
  [[nodiscard]] bool known() const { return !named_.empty() || !folder_.empty(); }
  [[nodiscard]] std::optional<std::filesystem::path> find(const std::string& name) const;
  // The content, read once; null when there is no such file or, after a message, when it cannot be read.
  const std::string* content(const std::string& name);
  // Those given one by one.
  [[nodiscard]] const std::map<std::string, std::filesystem::path>& named() const { return named_; }

 private:
  std::map<std::string, std::filesystem::path> named_;
  std::filesystem::path folder_;
  std::map<std::string, std::string> read_;
};

}  // namespace host
