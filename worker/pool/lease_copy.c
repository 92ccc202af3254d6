#include "worker/pool/lease_copy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// One allocation: the struct, the lengths, the offsets, the payloads.
int lease_copy_new(struct pool_step *step, const struct lease *lease, struct lease_copy **ret)
{
    size_t n = lease->lens ? lease->count : 0;
    size_t lists = n ? (n + n + 1) * sizeof(uint32_t) : 0;
    size_t body = n ? lease->body_len : 0;
    struct lease_copy *copy = malloc(sizeof(*copy) + lists + body);
    if (!copy)
        return -ENOMEM;
    *copy = (struct lease_copy){.refs = 1, .step = step, .lease = *lease};
    step->refs++;
    copy->lease.lens = NULL;
    copy->lease.body = NULL;
    copy->lease.body_len = body;
    if (n) {
        uint32_t *lens = (uint32_t *)(void *)(copy + 1);
        uint8_t *payloads = (uint8_t *)(copy + 1) + lists;
        copy->offsets = lens + n;
        memcpy(lens, lease->lens, n * sizeof(*lens));
        copy->offsets[0] = 0;
        for (size_t i = 0; i < n; i++)
            copy->offsets[i + 1] = copy->offsets[i] + lens[i];
        if (body)
            memcpy(payloads, lease->body, body);
        copy->lease.lens = lens;
        copy->lease.body = payloads;
    }
    *ret = copy;
    return 0;
}

void lease_copy_unref(struct lease_copy *copy)
{
    if (--copy->refs)
        return;
    pool_step_unref(copy->step);
    free(copy);
}

struct result lease_copy_result(const struct lease_copy *copy, uint32_t index, struct ending ending,
                                const char *text)
{
    const struct lease *lease = &copy->lease;
    return (struct result){.job = lease->job,
                           .step = lease->step,
                           .attempt = lease->attempt,
                           .chunk = lease->first + index,
                           .ending = ending,
                           .error = text,
                           .error_len = text ? strlen(text) : 0,
                           .n_items = 1};
}
