// The command line of `fanmill run` and `fanmill check`, and what all commands share.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipelines/plan.h"

#define OPTIONS_PARAMS_MAX 256
#define OPTIONS_JOBS_MAX 64 // files of one `check`

enum color { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

struct options {
    const char *files[OPTIONS_JOBS_MAX]; // borrowed from argv
    size_t n_files;
    struct plan_pair params[OPTIONS_PARAMS_MAX]; // names are malloc'd, values borrowed from argv
    size_t n_params;
    uint32_t slots; // -j; 0: not given
    bool quiet;
    int verbose;
    enum color color;
    bool help;
};

// Reads the words behind the command's name. 0, or -EINVAL when a mistake was told on stderr.
// `files_max` 1 refuses a second file.
int options_parse(struct options *options, const char *command, size_t files_max, int argc,
                  char **argv);
void options_done(struct options *options);

// May escape sequences be written to stderr? Obeys --color, NO_COLOR, CLICOLOR and TERM=dumb.
bool options_use_color(const struct options *options);
