// SPDX-License-Identifier: Apache-2.0
// Names that libc++ mentions; there are no wide characters here.
#ifndef PLINTH_FREESTANDING_WCTYPE_H
#define PLINTH_FREESTANDING_WCTYPE_H

typedef unsigned long wctype_t;
typedef const int* wctrans_t;

#endif
