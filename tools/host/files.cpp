// SPDX-License-Identifier: Apache-2.0
#include "tools/host/files.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

namespace host {
namespace {

struct Close {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, Close>;

void complain(std::string_view name) {
  std::fprintf(stderr, "%.*s: %s\n", static_cast<int>(name.size()), name.data(), std::strerror(errno));
}

std::optional<std::string> read_all(std::FILE* file, std::string_view name) {
  std::string content;
  char chunk[65536];
  while (const size_t count = std::fread(chunk, 1, sizeof(chunk), file)) content.append(chunk, count);
  if (std::ferror(file) == 0) return content;
  complain(name);
  return {};
}

}  // namespace

std::optional<std::string> read_file(const std::filesystem::path& path) {
  const File file(std::fopen(path.c_str(), "rb"));
  if (file != nullptr) return read_all(file.get(), path.native());
  complain(path.native());
  return {};
}

std::optional<std::string> read_stdin() { return read_all(stdin, "standard input"); }

bool write_file(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  std::filesystem::path partial = path;
  partial += ".part";
  File file(std::fopen(partial.c_str(), "wb"));
  const bool written = file != nullptr && std::fwrite(bytes.data(), 1, bytes.size(), file.get()) == bytes.size() &&
                       std::fclose(file.release()) == 0 && std::rename(partial.c_str(), path.c_str()) == 0;
  if (!written) complain(path.native());
  return written;
}

}  // namespace host
