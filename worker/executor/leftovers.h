// Processes that a program started and that outlive it. All of them are below this executor: it is
// a subreaper, and runs one chunk at a time, so whatever new is below it belongs to the chunk that
// runs. What another executor's chunk left, or somebody else started, is never below it.
//
// Their chunk is over when they have ended and stdout and stderr are closed by all who hold them:
// what they still write is whole. They get the stage's `leftovers: wait` for that, at most until
// its timeout; then TERM, and KILL 5 s later. `kill` ends them at once, `keep` leaves them alone.
// What was ended or is kept is told in the chunk's note, and counted.
#pragma once

struct running;

// Call it once the program itself was reaped. Blocks until the chunk is over. Where a program left
// nothing, this costs one system call.
void leftovers_settle(struct running *r);
