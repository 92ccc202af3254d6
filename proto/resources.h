// What a worker has and what a running chunk takes of it: processors, memory, graphics processors
// and labels that the user defines. Amounts are thousandths, memory is bytes.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RESOURCE_LABELS_MAX 16u
#define RESOURCE_NAME_MAX 32u // of a label, with its end
#define RESOURCE_MILLI_MAX (1000ull * 1000 * 1000)

struct resource_label {
    char name[RESOURCE_NAME_MAX]; // [a-z0-9_-]
    uint64_t milli;
};

struct resources {
    uint64_t cpus;
    uint64_t memory_bytes;
    uint64_t gpus;
    uint32_t n_labels;
    struct resource_label labels[RESOURCE_LABELS_MAX];
};

bool resource_name_ok(const char *name);
// How many times `want` fits into what `used` leaves of `total`; at most `max`. A label wanted with
// amount 0 must be present.
uint32_t resources_fit(const struct resources *total, const struct resources *used,
                       const struct resources *want, uint32_t max);
// used += n * want, used -= want; only what `total` knows is counted.
void resources_add(struct resources *used, const struct resources *want, uint32_t n);
void resources_remove(struct resources *used, const struct resources *want);
// Whether `want` is more than `total`; in words: "has 2 gpus, 4 needed".
bool resources_lack(const struct resources *total, const struct resources *want, char *ret,
                    size_t size);
// "cpus=8 gpus=2 ssd=1"
void resources_words(const struct resources *r, char *ret, size_t size);
// "ssd=1,license=2" or "ssd,license": labels, added to `ret`. -EINVAL.
int resources_parse_labels(const char *text, struct resources *ret);
