// SPDX-License-Identifier: Apache-2.0
// Names that libc++ mentions; there are no wide characters here.
#ifndef PLINTH_FREESTANDING_WCHAR_H
#define PLINTH_FREESTANDING_WCHAR_H

#include <stddef.h>
#include <bits/types/mbstate_t.h>
typedef unsigned wint_t;
#ifndef WEOF
#define WEOF 0xffffffffu
#endif

#endif
