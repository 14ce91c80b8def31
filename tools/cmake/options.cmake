# SPDX-License-Identifier: Apache-2.0
# Compiler options of every target, and plinth_layer(), which declares one layer.

add_library(plinth_options INTERFACE)
target_include_directories(plinth_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(plinth_options INTERFACE
  -Wall -Wextra -Werror -Wshadow -Wconversion -Wno-sign-conversion -Wimplicit-fallthrough -Wnon-virtual-dtor
  $<$<COMPILE_LANGUAGE:CXX>:-Wextra-semi -Woverloaded-virtual>
  -fno-exceptions -fno-rtti -fno-common)

if(PLINTH_FREESTANDING)
  set(libc_headers ${PROJECT_SOURCE_DIR}/hal/base/freestanding)
  target_include_directories(plinth_options INTERFACE ${PROJECT_SOURCE_DIR}/arch/${PLINTH_ARCH}/include)
  target_compile_options(plinth_options INTERFACE
    -ffreestanding -fno-pic -fno-threadsafe-statics -fno-asynchronous-unwind-tables -fno-omit-frame-pointer
    -ffunction-sections -fdata-sections -flto -fstack-protector-strong -Wthread-safety ${PLINTH_ARCH_FLAGS}
    $<$<COMPILE_LANGUAGE:CXX>:-nostdinc++>
    -nostdinc
    "SHELL:-isystem ${libc_headers}/libcxx"
    "SHELL:-isystem ${PLINTH_LLVM}/include/c++/v1"
    "SHELL:-isystem ${libc_headers}/libc"
    "SHELL:-isystem ${PLINTH_LLVM}/lib/clang/19/include")
else()
  # -fexceptions stays off here too: the sources are the same. GoogleTest is built with the same options.
  target_include_directories(plinth_options INTERFACE ${PROJECT_SOURCE_DIR}/tests/fakes/include)
  target_compile_options(plinth_options INTERFACE -stdlib=libc++ -Wthread-safety)
  # The lock order is verified wherever host code takes a lock.
  target_compile_definitions(plinth_options INTERFACE PLINTH_CHECK_LOCKS)
  target_link_options(plinth_options INTERFACE -stdlib=libc++ -fuse-ld=${PLINTH_LLD} -Wno-unused-command-line-argument)
  option(PLINTH_SANITIZE "Build host code with ASan and UBSan" ON)
  if(PLINTH_SANITIZE)
    set(sanitizers -fsanitize=address,undefined -fno-sanitize=vptr -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_compile_options(plinth_options INTERFACE ${sanitizers})
    target_link_options(plinth_options INTERFACE ${sanitizers})
  endif()
endif()

# For what runs before the boot path, where firmware loaded the image (hal/efi/firmware.hpp): position-independent, which
# link-time optimization would forget, and without the stack protector's canary. As the last dependency its options count.
add_library(plinth_efi_options INTERFACE)
if(PLINTH_FREESTANDING)
  target_compile_options(plinth_efi_options INTERFACE -fno-lto -fpie -fno-stack-protector)
endif()

# plinth_layer(NAME DEPENDS other-layers... SOURCES files... [HOT files...])
# The image is small because only what runs on the way of an exit, an interrupt or a task switch is built for speed: HOT.
function(plinth_layer name)
  cmake_parse_arguments(layer "" "" "DEPENDS;SOURCES;HOT" ${ARGN})
  add_library(${name} STATIC ${layer_SOURCES} ${layer_HOT})
  if(PLINTH_FREESTANDING)
    set_property(SOURCE ${layer_SOURCES} APPEND PROPERTY COMPILE_OPTIONS $<$<COMPILE_LANGUAGE:CXX>:-Oz>)
  endif()
  target_link_libraries(${name} PUBLIC plinth_options ${layer_DEPENDS})
  # Nothing runs before the entry function.
  target_compile_options(${name} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-Wexit-time-destructors -Wglobal-constructors>)
endfunction()
