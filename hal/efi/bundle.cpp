// SPDX-License-Identifier: Apache-2.0
#include "hal/efi/bundle.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "hal/efi/firmware.hpp"
#include "hal/efi/load_options.hpp"

namespace hal::efi {
namespace {

constexpr std::string_view no_memory = "no memory for the bundle";

FoundBundle failed(const SystemTable& system, std::string_view what, Status why) {
  say(system, what, why);
  return {.status = why, .place = {}};
}

// A vendor node with the GUID, then the end (10.3.5.3).
struct InitrdPath {
  DevicePath vendor{media_path, media_vendor, {sizeof(DevicePath) + sizeof(Guid), 0}};
  Guid media = guid::initrd_media;
  DevicePath end{end_of_path, end_entire, {sizeof(DevicePath), 0}};
};
static_assert(sizeof(InitrdPath) == 24);

FoundBundle from_loader(const SystemTable& system, Pages& pages) {
  const InitrdPath wanted;
  const DevicePath* path = &wanted.vendor;
  Handle handle = nullptr;
  if (system.boot->locate_device_path(&guid::load_file2, &path, &handle) != status::success) return {};
  auto* const loader = protocol<LoadFile2>(system, handle, guid::load_file2);
  if (loader == nullptr) return {};
  size_t size = 0;
  Status result = loader->load_file(loader, path, 0, &size, nullptr);
  if (result == status::not_found || (result == status::success && size == 0)) return {};
  if (result != status::buffer_too_small)
    return failed(system, "the boot loader does not say how large the bundle is", result);
  const auto place = pages.allocate(size);
  if (!place) return failed(system, no_memory, status::out_of_resources);
  result = loader->load_file(loader, path, 0, &size, at(place->start));
  if (result != status::success) return failed(system, "the boot loader cannot load the bundle", result);
  return {.status = status::success, .place = {place->start, std::min<uint64_t>(size, place->size)}};
}

// An open file or folder; closed at the end.
class OpenFile {
 public:
  OpenFile() = default;
  explicit OpenFile(File* file) : file_(file) {}
  ~OpenFile() {
    if (file_ != nullptr) (void)file_->close(file_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  explicit operator bool() const { return file_ != nullptr; }
  File* operator->() const { return file_; }
  [[nodiscard]] File* get() const { return file_; }

 private:
  File* file_ = nullptr;
};

FoundBundle read(const SystemTable& system, Pages& pages, const OpenFile& file) {
  alignas(FileInfo) std::array<std::byte, 1024> info;  // with a name of up to 400 characters
  size_t info_size = info.size();
  Status result = file->get_info(file.get(), &guid::file_info, &info_size, info.data());
  if (result != status::success) return failed(system, "firmware does not say how large the bundle is", result);
  FileInfo told;
  std::memcpy(&told, info.data(), sizeof(told));
  if (told.file_size == 0) return {};
  const auto place = pages.allocate(told.file_size);
  if (!place) return failed(system, no_memory, status::out_of_resources);
  uint64_t done = 0;
  while (done < place->size) {
    size_t size = place->size - done;
    result = file->read(file.get(), &size, at(place->start + done));
    if (result != status::success) return failed(system, "firmware cannot read the bundle", result);
    if (size == 0) return failed(system, "the bundle's file ends too early", status::load_error);
    done += size;
  }
  return {.status = status::success, .place = *place};
}

FoundBundle unnamed(FoundBundle found) {
  found.nobody_named_it = true;
  return found;
}

FoundBundle from_volume(const SystemTable& system, Pages& pages, const LoadedImage& image, std::string_view options) {
  auto* const volume = protocol<SimpleFileSystem>(system, image.device, guid::simple_file_system);
  File* opened = nullptr;
  if (volume == nullptr || volume->open_volume(volume, &opened) != status::success) return {};
  const OpenFile root(opened);
  const auto open = [&](const Path& path) {
    File* file = nullptr;
    const Status result = root->open(root.get(), &file, path.data(), open_for_reading, 0);
    return result == status::success ? file : nullptr;
  };
  Path path;
  if (const std::string_view wanted = initrd_option(options); !wanted.empty()) {
    if (!join(path, {}, wanted)) return failed(system, "the path in initrd= is too long", status::invalid_parameter);
    const OpenFile named(open(path));
    if (!named) return failed(system, "there is no file as initrd= names it", status::not_found);
    return read(system, pages, named);
  }
  // What `plinth pack` calls it.
  if (join(path, folder_of(image.file_path), "bundle.cpio")) {
    const OpenFile beside(open(path));
    if (beside) return unnamed(read(system, pages, beside));
  }
  if (!join(path, {}, "\\bundle.cpio")) return {};
  const OpenFile in_root(open(path));
  return in_root ? unnamed(read(system, pages, in_root)) : FoundBundle{};
}

FoundBundle from_configuration_table(const SystemTable& system) {
  const uint64_t table = configuration_table(system, guid::initrd_media);
  if (table == 0) return {};
  std::array<uint64_t, 2> range;
  std::memcpy(range.data(), at(HostPhys(table)), sizeof(range));
  const auto [start, size] = range;
  if (!HostPhysRange::fits(HostPhys(start), size)) return {};
  return {.status = status::success, .place = {HostPhys(start), size}};
}

}  // namespace

FoundBundle find_bundle(const SystemTable& system, Pages& pages, const LoadedImage& image, std::string_view options) {
  FoundBundle found = from_loader(system, pages);
  if (found.status == status::success && found.place.empty()) found = from_volume(system, pages, image, options);
  if (found.status == status::success && found.place.empty()) found = from_configuration_table(system);
  return found;
}

}  // namespace hal::efi
