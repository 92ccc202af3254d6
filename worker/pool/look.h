// Looks at what runs, while it runs: which chunks take long, and which kernels are past their
// deadline.
#pragma once
#include "worker/pool/pool_own.h"

// Sets the timers that what runs now needs.
void look_settle(struct pool *pool);
void look_stop(struct pool *pool);
