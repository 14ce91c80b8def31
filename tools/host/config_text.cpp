// SPDX-License-Identifier: Apache-2.0
#include "tools/host/config_text.hpp"

#include <algorithm>
#include <cstdio>

#include "tools/host/files.hpp"

namespace host {

std::optional<ConfigText> ConfigText::read(const std::filesystem::path& path) {
  const auto text = read_file(path);
  if (!text) return {};
  return of(path, *text);
}

ConfigText ConfigText::of(const std::filesystem::path& path, std::string_view text) {
  ConfigText file{path, std::string(text), {}};
  const auto count = static_cast<uint32_t>(std::ranges::count(text, '\n')) + 1;
  for (uint32_t number = 1; number <= count; ++number) file.lines.push_back({number, {}});
  return file;
}

void Reporter::report(const config::Diagnostic& diagnostic) {
  ++errors_;
  config::Diagnostic shown = diagnostic;
  shown.file = file_.path.native();
  std::string overridden;
  if (shown.position.line != 0 && shown.position.line <= file_.lines.size()) {
    const ConfigText::Line& line = file_.lines[shown.position.line - 1];
    overridden = line.overridden;
    shown.position.line = line.number;
  }
  char buffer[1024];
  hal::BufferSink sink(buffer);
  config::write(sink, shown);
  if (!overridden.empty()) hal::format(sink, " (--set {})", std::string_view(overridden));
  std::fprintf(stderr, "%.*s\n", static_cast<int>(sink.text().size()), sink.text().data());
}

}  // namespace host
