// The pool's line to the zygote: requests go out, news come in.
#pragma once
#include "worker/pool/pool_own.h"

// Negative errno: the loop can't watch it.
int zygote_line_open(struct pool *pool);
void zygote_line_close(struct pool *pool);
// Asks for something on behalf of the slot; sent when the zygote takes it. Asking twice is once.
void zygote_line_ask(struct pool *pool, struct slot *slot, enum zygote_request request);
