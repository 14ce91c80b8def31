// SPDX-License-Identifier: Apache-2.0
// Names that libc++ mentions; nothing here is defined: the hypervisor allocates through mm/.
#ifndef PLINTH_FREESTANDING_STDLIB_H
#define PLINTH_FREESTANDING_STDLIB_H

#include <stddef.h>

typedef struct {
  int quot, rem;
} div_t;
typedef struct {
  long quot, rem;
} ldiv_t;
typedef struct {
  long long quot, rem;
} lldiv_t;

#ifdef __cplusplus
extern "C" {
#endif
[[noreturn]] void abort(void);
void free(void*);
void* malloc(size_t);
void* calloc(size_t, size_t);
void* realloc(void*, size_t);
ldiv_t ldiv(long, long);
lldiv_t lldiv(long long, long long);
long labs(long);
long long llabs(long long);
int abs(int);
div_t div(int, int);
#ifdef __cplusplus
}
#endif

#endif
