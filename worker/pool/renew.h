// A zygote that was killed took all executors with it, and a new one has come.
#pragma once
#include "worker/pool/pool_own.h"

// Every chunk runs again. Which one killed the zygote can't be known: the one that began last is
// blamed with a crash, and those that ran at an earlier death, too, so that crash_limit ends the
// one that does it each time. The others go back to the queue at no attempt's cost.
void renew(struct pool *pool);
