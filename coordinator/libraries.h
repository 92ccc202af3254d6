// Kernel libraries sent by clients, for workers that lack them.
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct peer;
struct plan;
struct server;

#define LIBRARIES_BYTES_MAX (256u << 20) // beyond it, libraries that no job uses go first

// Whether a library of the plan is still missing, and of which stage.
bool library_missing(struct server *server, const struct plan *plan, uint64_t *ret_stage);
void stored_libraries_done(struct server *server);
// A worker asked again for a library that it had just been sent: now it is sent again.
void libraries_again(struct peer *peer);
