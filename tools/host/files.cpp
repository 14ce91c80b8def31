// SPDX-License-Identifier: Apache-2.0
#include "tools/host/files.hpp"

#include <unistd.h>

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
  // A device, a pipe, or a link to somewhere is written as it is: a file in its place would be another thing.
  std::error_code error;
  const auto kind = std::filesystem::symlink_status(path, error).type();
  const bool replaces = kind == std::filesystem::file_type::regular || kind == std::filesystem::file_type::not_found;
  std::filesystem::path target = path;
  if (replaces) target += "." + std::to_string(getpid()) + ".part";
  File file(std::fopen(target.c_str(), "wb"));
  bool written = file != nullptr && std::fwrite(bytes.data(), 1, bytes.size(), file.get()) == bytes.size();
  if (file != nullptr) written = std::fclose(file.release()) == 0 && written;
  if (written && replaces) written = std::rename(target.c_str(), path.c_str()) == 0;
  if (written) return true;
  complain(path.native());
  if (replaces) std::filesystem::remove(target, error);
  return false;
}

}  // namespace host
