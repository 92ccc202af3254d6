// Chunks that take much longer than others of their step: `timeout: 200%`.
#pragma once
struct pool;

// At the end of a round: ends what has taken too long, and sees to it that the next one is found in
// time.
void straggle_settle(struct pool *pool);
