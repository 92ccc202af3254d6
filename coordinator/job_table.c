// Finding jobs by their number or key.
#include "coordinator/server_job.h"
#include "coordinator/shell.h"

struct server_job *server_job_find(const struct server *server, uint64_t id)
{
    struct server_job *job = NULL;
    HASH_FIND(hh, server->jobs, &id, sizeof(id), job);
    return job;
}

struct server_job *server_job_by_key(const struct server *server, const uint8_t *key)
{
    struct server_job *job = NULL;
    HASH_FIND(by_key, server->by_key, key, PROTO_SESSION_BYTES, job);
    return job;
}
