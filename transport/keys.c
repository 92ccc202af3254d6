#include "transport/keys.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <zmq.h>

#include "base/cleanup.h"
#include "transport/secret_file.h"
#include "transport/secret_lines.h"

int keypair_new(struct keypair *ret, struct err *err)
{
    if (zmq_curve_keypair(ret->public_key, ret->secret_key) < 0)
        return err_sys(err, -errno, "can't make keys (libzmq without CURVE?)");
    return 0;
}

void keypair_done(struct keypair *keys)
{
    explicit_bzero(keys, sizeof(*keys));
}

bool key_ok(const char *text)
{
    uint8_t bytes[32];
    static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 ".-:+=^!/*?&<>()[]{}@%$#";
    if (strlen(text) != KEY_TEXT - 1 || strspn(text, digits) != KEY_TEXT - 1)
        return false;
    bool ok = zmq_z85_decode(bytes, text) != NULL;
    explicit_bzero(bytes, sizeof(bytes));
    return ok;
}

int keyfile_read(const char *path, struct keypair *ret, struct err *err)
{
    _cleanup_(secret_wipe)
    struct buf text;
    struct secret_lines l;
    struct keypair keys = {0};
    bool is_key = false;
    buf_init(&text, 0);
    int r = secret_read(path, true, &text, err);
    if (r < 0)
        return r;
    secret_lines_init(&l, (const char *)text.data, text.len);
    while ((r = secret_lines_next(&l)) == 1) {
        if (strcmp(l.word, "fanmill-key") == 0)
            is_key = strcmp(l.value, "1") == 0;
        else if (strcmp(l.word, "public") == 0 && key_ok(l.value))
            memcpy(keys.public_key, l.value, KEY_TEXT);
        else if (strcmp(l.word, "secret") == 0 && key_ok(l.value))
            memcpy(keys.secret_key, l.value, KEY_TEXT);
        else
            r = -EINVAL;
        if (r < 0)
            break;
    }
    char derived[KEY_TEXT] = "";
    if (r == 0 && keys.secret_key[0])
        zmq_curve_public(derived, keys.secret_key);
    unsigned line = l.number;
    explicit_bzero(&l, sizeof(l));
    if (r < 0 || !is_key || !keys.public_key[0] || strcmp(derived, keys.public_key) != 0) {
        keypair_done(&keys);
        return err_set(err, -EINVAL, "'%s' is not a coordinator's key file (line %u)", path, line);
    }
    *ret = keys;
    keypair_done(&keys);
    return 0;
}

int keyfile_write(const char *path, const struct keypair *keys, struct err *err)
{
    _cleanup_(secret_wipe)
    struct buf text;
    buf_init(&text, 0);
    int r = buf_printf(&text, "fanmill-key 1\npublic %s\nsecret %s\n", keys->public_key,
                       keys->secret_key);
    return r < 0 ? err_sys(err, r, "'%s'", path)
                 : secret_write(path, text.data, text.len, true, err);
}
