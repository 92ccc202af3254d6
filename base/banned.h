// Functions that are never the right choice. The compiler includes this before the
// first line of every file of the product (cmake/FmRooms.cmake), so that none can forget it.
#pragma once
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

// Their bounds are unknown, their results are shared, or their errors can't be seen: base/buf.h,
// base/parse.h, posix_spawn and fdopen serve instead.
#pragma GCC poison strcpy strcat sprintf vsprintf strtok atoi atol atoll gets gmtime localtime     \
    ctime asctime system popen

// What a handler set by it does when it is called differs between systems: base/signals.h. Not
// poisoned: "signal" is also a good name for a number.
void (*signal(int number, void (*handler)(int)))(int)
    __attribute__((unavailable("sigaction, or base/signals.h")));
