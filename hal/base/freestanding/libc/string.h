// SPDX-License-Identifier: Apache-2.0
// The part of C's string.h that the compiler and libc++ rely on; defined in memory.cpp.
#ifndef PLINTH_FREESTANDING_STRING_H
#define PLINTH_FREESTANDING_STRING_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif
void* memcpy(void* __restrict to, const void* __restrict from, size_t count);
void* memmove(void* to, const void* from, size_t count);
void* memset(void* to, int value, size_t count);
int memcmp(const void* a, const void* b, size_t count);
void* memchr(const void* in, int value, size_t count);
size_t strlen(const char* text);
int strcmp(const char* a, const char* b);
int strncmp(const char* a, const char* b, size_t count);
char* strchr(const char* in, int value);
char* strrchr(const char* in, int value);
char* strstr(const char* in, const char* what);
char* strpbrk(const char* in, const char* any);
#ifdef __cplusplus
}
#endif

#endif
