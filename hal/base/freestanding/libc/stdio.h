// SPDX-License-Identifier: Apache-2.0
// Names that libc++ mentions; nothing here can be called.
#ifndef PLINTH_FREESTANDING_STDIO_H
#define PLINTH_FREESTANDING_STDIO_H

#include <stddef.h>

#define EOF (-1)
typedef struct plinth_no_file FILE;

#ifdef __cplusplus
extern "C" {
#endif
int remove(const char* path);
#ifdef __cplusplus
}
#endif

#endif
