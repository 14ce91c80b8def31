# SPDX-License-Identifier: Apache-2.0
set(PLINTH_ARCH loongarch64)
# The soft-float ABI, and in the triple, where the linker's code generator looks for it: floating-point registers belong to
# the guests.
set(PLINTH_TRIPLE loongarch64-unknown-none-gnusf)
set(PLINTH_ARCH_FLAGS -msoft-float)
# clang 19 knows no linker for a bare LoongArch and calls GCC: the one for Linux, with nothing of Linux in it, is lld.
set(PLINTH_ARCH_LINK_FLAGS --target=loongarch64-unknown-linux-gnusf -msoft-float)
# The hypervisor alone: what EFI firmware loads runs at no address known before; see arch/loongarch64/boot/efi.cpp.
set(PLINTH_IMAGE_LINK_FLAGS -Wl,-pie -Wl,--no-dynamic-linker -Wl,-z,notext -Wl,-z,pack-relative-relocs)
include(${CMAKE_CURRENT_LIST_DIR}/freestanding.cmake)
