// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/diagnostics.hpp"

namespace host {

// A TOML file, and where each of its lines comes from once --set has changed it.
struct ConfigText {
  struct Line {
    uint32_t number = 0;     // in the file; 0: added by an override
    std::string overridden;  // the "--set" that touched it, or empty
  };

  std::filesystem::path path;
  std::string text;
  std::vector<Line> lines;

  // Nothing, after a message, when the file cannot be read.
  static std::optional<ConfigText> read(const std::filesystem::path& path);
  static ConfigText of(const std::filesystem::path& path, std::string_view text);
};

// Prints what is wrong with a ConfigText in terms of the file that its author knows.
class Reporter final : public config::DiagnosticSink {
 public:
  explicit Reporter(const ConfigText& file) : file_(file) {}
  void report(const config::Diagnostic& diagnostic) override;
  [[nodiscard]] unsigned errors() const { return errors_; }

 private:
  const ConfigText& file_;
  unsigned errors_ = 0;
};

}  // namespace host
