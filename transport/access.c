#include "transport/access.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "transport/secret_file.h"
#include "transport/secret_lines.h"

static const char *const roles[] = {
    [ROLE_WORKER] = "worker",
    [ROLE_CLIENT] = "client",
    [ROLE_OBSERVER] = "observer",
    [ROLE_ADMIN] = "admin",
};

const char *role_name(enum role role)
{
    return role >= ROLE_WORKER && role <= ROLE_ADMIN ? roles[role] : "none";
}

enum role role_parse(const char *text)
{
    for (int i = ROLE_WORKER; i <= ROLE_ADMIN; i++)
        if (strcmp(text, roles[i]) == 0)
            return (enum role)i;
    return ROLE_NONE;
}

bool access_name_ok(const char *name)
{
    size_t len = strlen(name);
    return len >= 1 && len < ACCESS_NAME_MAX && name[0] != '.' &&
           strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == len;
}

static bool take_line(struct access *access, const struct secret_lines *l)
{
    if (strcmp(l->word, "endpoint") == 0) {
        bool known = strncmp(l->value, "tcp://", 6) == 0 || strncmp(l->value, "ipc://", 6) == 0;
        if (!known || strlen(l->value) >= ACCESS_ENDPOINT_MAX ||
            access->n_endpoints == ACCESS_ENDPOINTS_MAX)
            return false;
        memcpy(access->endpoints[access->n_endpoints++], l->value, strlen(l->value) + 1);
        return true;
    }
    if (strcmp(l->word, "name") == 0) {
        bool ok = access_name_ok(l->value);
        if (ok)
            memcpy(access->name, l->value, strlen(l->value) + 1);
        return ok;
    }
    if (strcmp(l->word, "role") == 0) {
        access->role = role_parse(l->value);
        return access->role != ROLE_NONE;
    }
    char *key = strcmp(l->word, "coordinator") == 0 ? access->coordinator
                : strcmp(l->word, "public") == 0    ? access->keys.public_key
                : strcmp(l->word, "secret") == 0    ? access->keys.secret_key
                                                    : NULL;
    if (!key || !key_ok(l->value))
        return false;
    memcpy(key, l->value, KEY_TEXT);
    return true;
}

static const char *what_is_missing(const struct access *access)
{
    bool tcp = false;
    for (size_t i = 0; i < access->n_endpoints; i++)
        tcp |= strncmp(access->endpoints[i], "tcp://", 6) == 0;
    if (!access->n_endpoints)
        return "endpoint";
    if (access->role == ROLE_NONE)
        return "role";
    if (tcp && !access->coordinator[0])
        return "coordinator";
    return tcp && (!access->keys.public_key[0] || !access->keys.secret_key[0]) ? "keys" : NULL;
}

int access_parse(const char *name, const char *text, size_t len, struct access *ret,
                 struct err *err)
{
    struct access access = {0};
    struct secret_lines l;
    int r = -EINVAL;
    if (len > SECRET_FILE_MAX)
        return err_set(err, -EFBIG, "%s: too large for an access file", name);
    secret_lines_init(&l, text, len);
    bool begins = secret_lines_next(&l) == 1 && strcmp(l.word, "fanmill-access") == 0;
    if (!begins)
        err_set(err, r, "%s is not an access file: its first line is not 'fanmill-access 1'", name);
    else if (strcmp(l.value, "1") != 0)
        err_set(err, r, "%s was made by a newer fanmill (version '%s')", name, l.value);
    else
        while ((r = secret_lines_next(&l)) == 1)
            if (!take_line(&access, &l)) {
                r = -EINVAL;
                break;
            }
    const char *missing = r == 0 ? what_is_missing(&access) : NULL;
    if (missing)
        r = err_set(err, -EINVAL, "%s: missing %s", name, missing);
    else if (r < 0 && begins && strcmp(l.word, "fanmill-access") != 0)
        err_set(err, r, "%s:%u: '%s' is unknown, or its value is invalid", name, l.number, l.word);
    if (r == 0)
        *ret = access;
    explicit_bzero(&l, sizeof(l));
    access_done(&access);
    return r;
}

int access_read(const char *path, struct access *ret, struct err *err)
{
    _cleanup_(secret_wipe)
    struct buf text;
    buf_init(&text, 0);
    int r = secret_read(path, true, &text, err);
    return r < 0 ? r : access_parse(path, (const char *)text.data, text.len, ret, err);
}

int access_format(const struct access *a, struct buf *out)
{
    int r = buf_printf(out, "fanmill-access 1\n");
    for (size_t i = 0; i < a->n_endpoints && r == 0; i++)
        r = buf_printf(out, "endpoint %s\n", a->endpoints[i]);
    if (r == 0 && a->coordinator[0])
        r = buf_printf(out, "coordinator %s\n", a->coordinator);
    if (r == 0 && a->name[0])
        r = buf_printf(out, "name %s\n", a->name);
    if (r == 0)
        r = buf_printf(out, "role %s\n", role_name(a->role));
    if (r == 0 && a->keys.secret_key[0])
        r = buf_printf(out, "public %s\nsecret %s\n", a->keys.public_key, a->keys.secret_key);
    return r;
}

int access_write(const char *path, const struct access *access, struct err *err)
{
    _cleanup_(secret_wipe)
    struct buf text;
    buf_init(&text, 0);
    int r = access_format(access, &text);
    return r < 0 ? err_sys(err, r, "'%s'", path)
                 : secret_write(path, text.data, text.len, false, err);
}

void access_done(struct access *access)
{
    explicit_bzero(access, sizeof(*access));
}
