// Kernels' libraries that clients sent, for workers that do not have them.
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct plan;
struct server;

#define LIBRARIES_BYTES_MAX (256u << 20) // those of no job go first

// Whether a library of the plan was not sent yet; the stage that it belongs to.
bool library_missing(struct server *server, const struct plan *plan, uint64_t *ret_stage);
void stored_libraries_done(struct server *server);
