// Whether messages are in color.
#pragma once
#include <stdbool.h>

enum color { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };
extern const char *const color_words[]; // as --color has them; ends with NULL

// May escape sequences be written to stderr? Obeys --color, NO_COLOR, CLICOLOR_FORCE, CLICOLOR
// and TERM=dumb, in this order.
bool use_color(enum color when);
// The same for another descriptor.
bool use_color_on(enum color when, int fd);
