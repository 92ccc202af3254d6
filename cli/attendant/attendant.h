// An attendant: the process that reads the source of one job and writes its sink.
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct confine;

struct attendant {
    const char *endpoint;   // of the coordinator's private socket
    const uint8_t *session; // the coordinator knows us by it
    uint64_t job;
    unsigned needs;    // enum attend_need
    bool over_network; // then it is confined to the roots
    const struct confine *confine;
    int plan_fd; // a file with the packed plan; closed by attendant_main
};

// Runs until the job wants no more of it. Returns the exit status.
int attendant_main(const struct attendant *a);
