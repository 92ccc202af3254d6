// Hands chunks out to executors, and has executors forked for them. pool_wake() asks for a round.
#pragma once
#include "worker/pool/pool_own.h"

// One round: forks, gives, and sees to what runs (look.h). Runs from pool_wake()'s post.
void hand_out(struct post *post);
