// Exit statuses of the `fanmill` command, as docs/guide/exit-status.md promises them.
#pragma once

#define EXIT_ALL_WELL 0
#define EXIT_CHUNK_FAILED 1
#define EXIT_USAGE 2       // the command line or the job file
#define EXIT_LOST 3        // coordinator or workers unreachable or lost
#define EXIT_ENDED_EARLY 4 // some chunks were not run
#define EXIT_OUTPUT 5      // results could not be written
#define EXIT_TIMEOUT 124   // the whole job, or waiting for it
#define EXIT_FAULT 125     // in fanmill itself
#define EXIT_SIGNAL 128    // plus the signal's number
