#include "proto/resources.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool resource_name_ok(const char *name)
{
    size_t len = strlen(name);
    return len >= 1 && len < RESOURCE_NAME_MAX &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == len;
}

static struct resource_label *find_label(const struct resources *r, const char *name)
{
    for (uint32_t i = 0; i < r->n_labels; i++)
        if (strcmp(r->labels[i].name, name) == 0)
            return (struct resource_label *)(uintptr_t)&r->labels[i];
    return NULL;
}

static uint64_t label_amount(const struct resources *r, const char *name)
{
    const struct resource_label *label = find_label(r, name);
    return label ? label->milli : 0;
}

static uint64_t times(uint64_t total, uint64_t used, uint64_t want, uint64_t max)
{
    uint64_t left = total > used ? total - used : 0;
    if (want == 0)
        return max;
    return left / want < max ? left / want : max;
}

uint32_t resources_fit(const struct resources *total, const struct resources *used,
                       const struct resources *want, uint32_t max)
{
    uint64_t n = times(total->cpus, used->cpus, want->cpus, max);
    n = times(total->memory_bytes, used->memory_bytes, want->memory_bytes, n);
    n = times(total->gpus, used->gpus, want->gpus, n);
    for (uint32_t i = 0; i < want->n_labels && n > 0; i++) {
        const struct resource_label *label = &want->labels[i];
        if (!find_label(total, label->name))
            return 0;
        n = times(label_amount(total, label->name), label_amount(used, label->name), label->milli,
                  n);
    }
    return (uint32_t)n;
}

void resources_add(struct resources *used, const struct resources *want, uint32_t n)
{
    used->cpus += n * want->cpus;
    used->memory_bytes += n * want->memory_bytes;
    used->gpus += n * want->gpus;
    for (uint32_t i = 0; i < want->n_labels; i++) {
        struct resource_label *label = find_label(used, want->labels[i].name);
        if (!label && used->n_labels < RESOURCE_LABELS_MAX) {
            label = &used->labels[used->n_labels++];
            *label = (struct resource_label){0};
            memcpy(label->name, want->labels[i].name, sizeof(label->name));
        }
        if (label)
            label->milli += n * want->labels[i].milli;
    }
}

void resources_remove(struct resources *used, const struct resources *want)
{
    used->cpus -= want->cpus;
    used->memory_bytes -= want->memory_bytes;
    used->gpus -= want->gpus;
    for (uint32_t i = 0; i < want->n_labels; i++) {
        struct resource_label *label = find_label(used, want->labels[i].name);
        if (label)
            label->milli -= want->labels[i].milli;
    }
}

static void amount(uint64_t milli, char *ret, size_t size)
{
    if (milli % 1000 == 0)
        snprintf(ret, size, "%" PRIu64, milli / 1000);
    else
        snprintf(ret, size, "%g", (double)milli / 1000);
}

// `plural` is what ends `what` unless there is one of it.
static bool lacks(const char *what, const char *plural, uint64_t has, uint64_t wants, char *ret,
                  size_t size)
{
    char a[24], b[24];
    if (wants <= has)
        return false;
    amount(wants, a, sizeof(a));
    amount(has, b, sizeof(b));
    snprintf(ret, size, "has %s %s%s, %s needed", b, what, has == 1000 ? "" : plural, a);
    return true;
}

bool resources_lack(const struct resources *total, const struct resources *want, char *ret,
                    size_t size)
{
    char name[RESOURCE_NAME_MAX + 8];
    if (lacks("cpu", "s", total->cpus, want->cpus, ret, size) ||
        lacks("gpu", "s", total->gpus, want->gpus, ret, size))
        return true;
    if (want->memory_bytes > total->memory_bytes) {
        snprintf(ret, size, "has %" PRIu64 " MiB of memory, %" PRIu64 " needed",
                 total->memory_bytes >> 20, want->memory_bytes >> 20);
        return true;
    }
    for (uint32_t i = 0; i < want->n_labels; i++) {
        const struct resource_label *label = &want->labels[i];
        if (!find_label(total, label->name)) {
            snprintf(ret, size, "does not have '%s'", label->name);
            return true;
        }
        snprintf(name, sizeof(name), "'%s'", label->name);
        if (lacks(name, "", label_amount(total, label->name), label->milli, ret, size))
            return true;
    }
    return false;
}

void resources_words(const struct resources *r, char *ret, size_t size)
{
    char text[24];
    amount(r->cpus, text, sizeof(text));
    int n = snprintf(ret, size, "cpus=%s", text);
    if (r->gpus) {
        amount(r->gpus, text, sizeof(text));
        n += snprintf(ret + n, size - (size_t)n, " gpus=%s", text);
    }
    for (uint32_t i = 0; i < r->n_labels && (size_t)n + 2 * RESOURCE_NAME_MAX < size; i++) {
        amount(r->labels[i].milli, text, sizeof(text));
        n += snprintf(ret + n, size - (size_t)n, " %s=%s", r->labels[i].name, text);
    }
}

int resources_parse_labels(const char *text, struct resources *ret)
{
    while (*text) {
        struct resource_label label = {.milli = 1000};
        size_t len = strcspn(text, ",");
        size_t name = strcspn(text, "=,");
        if (name >= sizeof(label.name) || ret->n_labels == RESOURCE_LABELS_MAX)
            return -EINVAL;
        memcpy(label.name, text, name);
        if (!resource_name_ok(label.name) || find_label(ret, label.name))
            return -EINVAL;
        if (name < len) {
            char *end;
            double value = strtod(text + name + 1, &end);
            if (end != text + len || !(value >= 0) || value > 1e6)
                return -EINVAL;
            label.milli = (uint64_t)(value * 1000 + 0.5);
        }
        ret->labels[ret->n_labels++] = label;
        text += len + (text[len] == ',');
    }
    return 0;
}
