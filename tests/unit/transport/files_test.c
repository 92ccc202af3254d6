// Files with keys: which are accepted, and what they may hold.
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "transport/access.h"
#include "transport/keys.h"

static char folder[64];

static const char *in_folder(const char *name)
{
    static char path[128];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static void make_folder(void)
{
    strcpy(folder, "/tmp/fanmill-unit-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
}

static void remove_folder(void)
{
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    cr_assert_eq(system(command), 0);
}

static void put(const char *name, const void *text, size_t len, mode_t mode)
{
    int fd = open(in_folder(name), O_CREAT | O_TRUNC | O_WRONLY, 0600);
    cr_assert_geq(fd, 0);
    cr_assert_eq(fd_write_all(fd, text, len), 0);
    fchmod(fd, mode);
    close(fd);
}

static struct access sample(void)
{
    struct access a = {.n_endpoints = 2, .role = ROLE_WORKER};
    struct keypair server;
    struct err err;
    strcpy(a.endpoints[0], "tcp://10.0.0.1:7117");
    strcpy(a.endpoints[1], "ipc:///run/x");
    strcpy(a.name, "node-1.a");
    cr_assert_eq(keypair_new(&a.keys, &err), 0);
    cr_assert_eq(keypair_new(&server, &err), 0);
    memcpy(a.coordinator, server.public_key, KEY_TEXT);
    return a;
}

TestSuite(files, .init = make_folder, .fini = remove_folder);

Test(files, a_key_comes_back_and_is_never_replaced)
{
    struct keypair keys, back;
    struct err err = {0};
    cr_assert_eq(keypair_new(&keys, &err), 0);
    cr_assert(key_ok(keys.public_key));
    cr_assert_eq(keyfile_write(in_folder("k"), &keys, &err), 0, "%s", err.text);
    struct stat st;
    cr_assert_eq(stat(in_folder("k"), &st), 0);
    cr_assert_eq(st.st_mode & 07777, 0600);
    cr_assert_eq(keyfile_read(in_folder("k"), &back, &err), 0, "%s", err.text);
    cr_assert_str_eq(back.secret_key, keys.secret_key);
    cr_assert_eq(keyfile_write(in_folder("k"), &keys, &err), -EEXIST);
    keypair_done(&keys);
    cr_assert_str_empty(keys.secret_key);
}

Test(files, a_secret_that_others_can_read_is_refused)
{
    struct keypair keys;
    struct err err = {0};
    cr_assert_eq(keypair_new(&keys, &err), 0);
    cr_assert_eq(keyfile_write(in_folder("k"), &keys, &err), 0);
    const mode_t bad[] = {0640, 0604, 0620, 0660, 0666, 0610};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        chmod(in_folder("k"), bad[i]);
        cr_expect_eq(keyfile_read(in_folder("k"), &keys, &err), -EPERM, "%o", bad[i]);
        cr_expect_not_null(strstr(err.text, "chmod 600"), "%s", err.text);
    }
    chmod(in_folder("k"), 0400);
    cr_expect_eq(keyfile_read(in_folder("k"), &keys, &err), 0);
    if (geteuid() == 0) {
        cr_assert_eq(chown(in_folder("k"), 12345, 0), 0);
        cr_expect_eq(keyfile_read(in_folder("k"), &keys, &err), -EPERM);
        cr_expect_not_null(strstr(err.text, "another user"), "%s", err.text);
    }
}

Test(files, what_is_no_plain_file_is_refused)
{
    struct keypair keys;
    struct err err = {0};
    char other[160];
    cr_assert_eq(keypair_new(&keys, &err), 0);
    cr_assert_eq(keyfile_write(in_folder("k"), &keys, &err), 0);
    snprintf(other, sizeof(other), "%s/link", folder);
    cr_assert_eq(symlink(in_folder("k"), other), 0);
    cr_expect_eq(keyfile_read(other, &keys, &err), -EPERM);
    cr_expect_eq(keyfile_read(folder, &keys, &err), -EPERM);
    snprintf(other, sizeof(other), "%s/pipe", folder);
    cr_assert_eq(mkfifo(other, 0600), 0);
    cr_expect_eq(keyfile_read(other, &keys, &err), -EPERM);
    cr_expect_eq(keyfile_read(in_folder("none"), &keys, &err), -ENOENT);
    put("nul", "fanmill-key 1\n\0", 15, 0600);
    cr_expect_eq(keyfile_read(in_folder("nul"), &keys, &err), -EINVAL);
    char *large = calloc(1, 70000);
    memset(large, '#', 70000);
    put("large", large, 70000, 0600);
    cr_expect_eq(keyfile_read(in_folder("large"), &keys, &err), -EFBIG);
    free(large);
    put("text", "hello\n", 6, 0600);
    cr_expect_eq(keyfile_read(in_folder("text"), &keys, &err), -EINVAL);
}

Test(files, halves_of_different_keys_are_no_key)
{
    struct keypair one, two;
    struct err err = {0};
    keypair_new(&one, &err);
    keypair_new(&two, &err);
    memcpy(one.secret_key, two.secret_key, KEY_TEXT);
    cr_assert_eq(keyfile_write(in_folder("k"), &one, &err), 0);
    cr_expect_eq(keyfile_read(in_folder("k"), &two, &err), -EINVAL);
}

Test(files, an_access_file_comes_back)
{
    struct access a = sample(), back;
    struct err err = {0};
    cr_assert_eq(access_write(in_folder("a"), &a, &err), 0, "%s", err.text);
    cr_assert_eq(access_write(in_folder("a"), &a, &err), 0, "it replaces");
    cr_assert_eq(access_read(in_folder("a"), &back, &err), 0, "%s", err.text);
    cr_assert_eq(memcmp(&a, &back, sizeof(a)), 0);
    chmod(in_folder("a"), 0644);
    cr_assert_eq(access_read(in_folder("a"), &back, &err), -EPERM);
}

Test(files, an_access_file_tells_what_is_wrong_with_it)
{
    const struct {
        const char *text;
        const char *says;
    } bad[] = {
        {"", "its first line"},
        {"hello\n", "its first line"},
        {"fanmill-access 2\n", "newer fanmill"},
        {"fanmill-access 1\nrole worker\n", "missing endpoint"},
        {"fanmill-access 1\nendpoint tcp://h:1\n", "missing role"},
        {"fanmill-access 1\nendpoint tcp://h:1\nrole worker\n", "missing coordinator"},
        {"fanmill-access 1\nendpoint http://h:1\n", ":2: 'endpoint'"},
        {"fanmill-access 1\n# note\n\nrole king\n", ":4: 'role'"},
        {"fanmill-access 1\ncolour blue\n", ":2: 'colour'"},
        {"fanmill-access 1\nname ../x\n", ":2: 'name'"},
        {"fanmill-access 1\npublic abc\n", ":2: 'public'"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct access a;
        struct err err = {0};
        cr_expect_eq(access_parse("f", bad[i].text, strlen(bad[i].text), &a, &err), -EINVAL, "%s",
                     bad[i].text);
        cr_expect_not_null(strstr(err.text, bad[i].says), "%s: %s", bad[i].text, err.text);
    }
    const char *local = "fanmill-access 1\nendpoint ipc:///x\nrole admin\n";
    struct access a;
    struct err err = {0};
    cr_expect_eq(access_parse("f", local, strlen(local), &a, &err), 0, "%s", err.text);
}
