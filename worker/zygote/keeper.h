// The keeper: a process between the agent and its zygote that does nothing but fork the zygote, and
// a new one when it is killed: the agent can't, once ZeroMQ runs in it. Code of a job can kill its
// executor's parent, and must not end the worker by that.
#pragma once

struct shared;

// Serves until a zygote has ended by itself, because the agent is gone; then ends what is left but
// is not kept for good. The new zygote's first news is ZYGOTE_RENEWED. Never returns.
_Noreturn void keeper_main(int control, struct shared *shared);
