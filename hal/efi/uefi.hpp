// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

// What we use of the interfaces of UEFI, as they lie in the memory of a 64-bit machine (UEFI 2.10; the numbers are its
// sections). Functions have the calling convention of the machine's own C compilers (2.3.6, 2.3.8), which is ours.
// Entries that we do not call keep their place as `unused`.
namespace hal::efi {

using Handle = void*;

// EFI_STATUS (appendix D): 0, or an error with the uppermost bit set.
using Status = uint64_t;
constexpr Status error_bit = uint64_t{1} << 63;
namespace status {
constexpr Status success = 0;
constexpr Status load_error = error_bit | 1;
constexpr Status invalid_parameter = error_bit | 2;
constexpr Status unsupported = error_bit | 3;
constexpr Status buffer_too_small = error_bit | 5;
constexpr Status out_of_resources = error_bit | 9;
constexpr Status not_found = error_bit | 14;
}  // namespace status

// EFI_GUID, as its bytes lie in memory.
using Guid = std::array<uint8_t, 16>;
namespace guid {
// The flattened device tree, in the configuration table (4.6).
constexpr Guid device_tree{0xd5, 0x21, 0xb6, 0xb1, 0x9c, 0xf1, 0xa5, 0x41,
                           0x83, 0x0b, 0xd9, 0x15, 0x2c, 0x69, 0xaa, 0xe0};
// LINUX_EFI_INITRD_MEDIA_GUID: a vendor device path that boot loaders install to hand an initrd over, and the
// configuration table in which Linux's own stub leaves it.
constexpr Guid initrd_media{0x27, 0xe4, 0x68, 0x55, 0xfc, 0x68, 0x3d, 0x4f,
                            0xac, 0x74, 0xca, 0x55, 0x52, 0x31, 0xcc, 0x68};
constexpr Guid acpi{0x71, 0xe8, 0x68, 0x88, 0xf1, 0xe4, 0xd3, 0x11, 0xbc,
                    0x22, 0x00, 0x80, 0xc7, 0x3c, 0x88, 0x81};  // from version 2.0 on, in the configuration table (4.6)
constexpr Guid loaded_image{0xa1, 0x31, 0x1b, 0x5b, 0x62, 0x95, 0xd2, 0x11,
                            0x8e, 0x3f, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b};  // 9.1.1
constexpr Guid simple_file_system{0x22, 0x5b, 0x4e, 0x96, 0x59, 0x64, 0xd2, 0x11,
                                  0x8e, 0x39, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b};  // 13.4
constexpr Guid file_info{0x92, 0x6e, 0x57, 0x09, 0x3f, 0x6d, 0xd2, 0x11,
                         0x8e, 0x39, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b};  // 13.5.16
constexpr Guid load_file2{0xc1, 0xc0, 0x06, 0x40, 0xb3, 0xfc, 0x3e, 0x40,
                          0x99, 0x6d, 0x4a, 0x6c, 0x87, 0x24, 0xe0, 0x6d};  // 13.2
}  // namespace guid

// EFI_TABLE_HEADER (4.2).
struct TableHeader {
  uint64_t signature;
  uint32_t revision, header_size, crc32, reserved;
};

// EFI_MEMORY_TYPE (7.2). After ExitBootServices() the first group is ours; all others stay firmware's or nobody's.
enum class MemoryType : uint32_t {
  loader_code = 1,
  loader_data = 2,
  boot_services_code = 3,
  boot_services_data = 4,
  runtime_services_code = 5,
  runtime_services_data = 6,
  conventional = 7,
  acpi_reclaim = 9,
  acpi_nvs = 10,
  mapped_io = 11,
  mapped_io_ports = 12,
};
constexpr uint64_t page_bytes = 4096;

// EFI_MEMORY_DESCRIPTOR (7.2.3). A map's entries may be longer than this: step by what GetMemoryMap() says.
struct MemoryDescriptor {
  MemoryType type;
  uint32_t unused;
  uint64_t physical_start, virtual_start, pages, attributes;
};
constexpr uint64_t memory_wb = 0x8;                     // can be mapped write-back
constexpr uint64_t memory_sp = 0x4'0000;                // set aside for a special purpose
constexpr uint64_t memory_runtime = uint64_t{1} << 63;  // runtime services use it

enum class AllocateType : uint32_t { any_pages = 0, max_address = 1, address = 2 };

// EFI_DEVICE_PATH_PROTOCOL (10.2): nodes one after the other, without alignment.
struct DevicePath {
  uint8_t type, subtype;
  std::array<uint8_t, 2> length;
};
constexpr uint8_t media_path = 4, media_vendor = 3, media_file = 4, end_of_path = 0x7f, end_entire = 0xff;

struct BootServices {  // 4.4
  TableHeader header;
  std::array<void*, 2> unused1;
  Status (*allocate_pages)(AllocateType, MemoryType, size_t pages, uint64_t* place);
  Status (*free_pages)(uint64_t place, size_t pages);
  Status (*get_memory_map)(size_t* size, void* map, size_t* key, size_t* descriptor_size, uint32_t* version);
  std::array<void*, 11> unused2;
  Status (*handle_protocol)(Handle, const Guid*, void** interface);
  std::array<void*, 3> unused3;
  Status (*locate_device_path)(const Guid*, const DevicePath** path, Handle*);
  std::array<void*, 5> unused4;
  Status (*exit_boot_services)(Handle image, size_t key);
  std::array<void*, 2> unused5;
  Status (*set_watchdog_timer)(size_t seconds, uint64_t code, size_t data_size, const char16_t* data);
};
static_assert(offsetof(BootServices, handle_protocol) == 152 && offsetof(BootServices, set_watchdog_timer) == 256);

enum class ResetType : uint32_t { cold = 0, warm = 1, shutdown = 2 };

struct RuntimeServices {  // 4.5
  TableHeader header;
  std::array<void*, 10> unused;
  void (*reset_system)(ResetType, Status, size_t data_size, const void* data);
};
static_assert(offsetof(RuntimeServices, reset_system) == 104);

struct TextOutput {  // 12.4
  void* unused;
  Status (*output_string)(TextOutput*, const char16_t*);
};

struct ConfigurationTable {  // 4.6
  Guid vendor;
  uint64_t table;
};
static_assert(sizeof(ConfigurationTable) == 24);

struct SystemTable {                                            // 4.3
  static constexpr uint64_t signature = 0x5453'5953'2049'4249;  // "IBI SYST"
  TableHeader header;
  std::array<void*, 5> unused1;
  TextOutput* console_out;
  std::array<void*, 2> unused2;
  RuntimeServices* runtime;
  BootServices* boot;
  size_t table_count;
  const ConfigurationTable* tables;
};
static_assert(offsetof(SystemTable, console_out) == 64 && offsetof(SystemTable, tables) == 112);

struct LoadedImage {  // 9.1.1
  uint32_t revision;
  Handle parent;
  SystemTable* system_table;
  Handle device;
  const DevicePath* file_path;
  void* unused;
  uint32_t options_size;  // bytes
  const void* options;
};
static_assert(offsetof(LoadedImage, device) == 24 && offsetof(LoadedImage, options) == 56);

struct LoadFile2 {  // 13.2
  Status (*load_file)(LoadFile2*, const DevicePath*, uint8_t boot_policy, size_t* size, void* buffer);
};

struct File {  // 13.5
  uint64_t revision;
  Status (*open)(File*, File** opened, const char16_t* name, uint64_t mode, uint64_t attributes);
  Status (*close)(File*);
  void* unused1;
  Status (*read)(File*, size_t* size, void* buffer);
  std::array<void*, 3> unused2;
  Status (*get_info)(File*, const Guid* kind, size_t* size, void* buffer);
};
static_assert(offsetof(File, get_info) == 64);
constexpr uint64_t open_for_reading = 1;

struct FileInfo {  // 13.5.16, without the name at its end
  uint64_t size, file_size;
};

struct SimpleFileSystem {  // 13.4
  uint64_t revision;
  Status (*open_volume)(SimpleFileSystem*, File** root);
};

}  // namespace hal::efi
