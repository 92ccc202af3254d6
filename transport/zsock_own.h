// What zsock.c shares with the other users of a context: monitor.c and zap.c. No other file
// includes this.
#pragma once
#include "transport/looped.h"
#include "transport/zsock.h"

struct transport {
    void *context;
    uint64_t monitors; // opened so far: their names differ
};

struct zsock {
    void *socket;
    enum zsock_kind kind;
    bool has_keys;
    struct looped looped; // all zero when it is plain
};
