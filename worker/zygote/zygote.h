// The zygote: a small single-threaded process that forks the executors. It is forked itself before
// any loop, ZeroMQ context or thread exists, so what it forks later is always a clean copy.
//
// It leads a session of its own (a terminal's Ctrl-C does not reach it), reaps the executors, and
// ends what they leave: process groups of commands, and orphans, which are handed to it because it
// is a subreaper. When its agent is gone, however that ended, it kills everything and goes too.
// Executors die with the zygote, commands with their executor (PDEATHSIG).
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "proto/ending.h"

struct jobserver;
struct page;
struct zygote;

// Forks the zygote. The calling process becomes a subreaper, so that it can end orphans if the
// zygote is killed; it must have no other children and must not make any. Call it from the main
// thread, first of all. What executors start finds the jobserver; it is borrowed for the
// call. NULL: none. The caller frees with zygote_free().
int zygote_fork(const struct jobserver *js, struct zygote **ret, struct err *err);
// Closes the line to the zygote and waits until it has ended everything: milliseconds. If the
// zygote was killed, does its work for it. Blocking. Accepts NULL. Returns NULL.
struct zygote *zygote_free(struct zygote *zygote);

// Of the process that forks the zygote, and a new one when it is killed (keeper.h).
pid_t zygote_keeper(const struct zygote *zygote);
// For a watch: readable when there is news, writable when a request will be taken.
int zygote_fd(const struct zygote *zygote);
// The page of a slot, 0 .. PROTO_SLOTS_MAX-1. Borrowed until zygote_free.
struct page *zygote_page(const struct zygote *zygote, uint32_t slot);

enum zygote_request {
    ZYGOTE_FORK = 1, // an executor for the slot, which must be free
    ZYGOTE_KILL,     // KILL to the slot's executor and its command's process group
    ZYGOTE_NUDGE,    // the executor should look at its page: PAGE's cancel was set
    ZYGOTE_PAUSE,    // STOP to all executors and all that is below them; slot 0
    ZYGOTE_RESUME,   // CONT to those; slot 0
    ZYGOTE_FLUSH,    // a kernel takes long: results that were finished before it should leave
};
// Never blocks. -EAGAIN: ask again when the descriptor is writable. -EPIPE: the zygote is gone.
int zygote_ask(struct zygote *zygote, enum zygote_request request, uint32_t slot);

enum zygote_news_kind {
    ZYGOTE_FORKED = 1,  // `fd` is the agent's end of the executor's socket; the receiver owns it
    ZYGOTE_FORK_FAILED, // `code` says why
    ZYGOTE_DIED,        // the executor was reaped and what it left was killed
    ZYGOTE_RENEWED,     // the zygote was killed, and all executors with it; this is a new one
};
struct zygote_news {
    uint32_t kind;
    uint32_t life; // of the zygote that tells
    bool spared;   // the pool's: whatever ran is not blamed
    uint32_t slot;
    int32_t pid;
    int32_t status;       // as waitpid gives it
    int32_t code;         // negative errno
    int32_t fd;           // -1: none
    struct ending ending; // DIED: a crash, with what the executor and its children used
};
// 1 with news, -EAGAIN when none has come, -EPIPE when the zygote is gone.
int zygote_next(struct zygote *zygote, struct zygote_news *ret);
