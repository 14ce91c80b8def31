// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "config/host_config.hpp"
#include "config/vm_config.hpp"

// Loads a file and collects what is said about it, a line each.
class Loaded final : public config::DiagnosticSink {
 public:
  static Loaded vm(std::string_view text, const config::Board& board = config::aarch64_board) {
    Loaded loaded;
    config::Diagnostics diagnostics("x.toml", loaded);
    loaded.ok_ = config::load_vm(text, board, loaded.arena_, diagnostics, loaded.vm_config).ok();
    return loaded;
  }
  static Loaded host(std::string_view text) {
    Loaded loaded;
    config::Diagnostics diagnostics("x.toml", loaded);
    loaded.ok_ = config::load_host(text, loaded.arena_, diagnostics, loaded.host_config).ok();
    return loaded;
  }

  void report(const config::Diagnostic& diagnostic) override {
    char buffer[1024];
    hal::BufferSink sink(buffer);
    config::write(sink, diagnostic);
    messages_ += std::string(sink.text()) + "\n";
  }
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] const std::string& messages() const { return messages_; }

  config::VmConfig vm_config;
  config::HostConfig host_config;

 private:
  bool ok_ = false;
  std::string messages_;
  std::vector<std::byte> arena_ = std::vector<std::byte>(config::load_arena_size);
};
