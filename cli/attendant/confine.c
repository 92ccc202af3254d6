#include "cli/attendant/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

// Of later versions of the kernel's header.
#define ACCESS_REFER (1ull << 13)
#define ACCESS_TRUNCATE (1ull << 14)

#define READS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define CHANGES                                                                                    \
    (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE |                              \
     LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR)
#define OTHERS                                                                                     \
    (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_SOCK |    \
     LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM)

static int allow(int ruleset, const char *root, uint64_t access, struct err *err)
{
    _close_ int fd = open(root, O_PATH | O_CLOEXEC);
    const struct landlock_path_beneath_attr rule = {.allowed_access = access, .parent_fd = fd};
    if (fd < 0 || syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
        return err_sys(err, -errno, "'%s'", root);
    return 0;
}

int confine_to_roots(const struct confine *c, struct err *err)
{
    // What unpacks is found in libraries; they hold nothing of anybody's.
    static const char *const libraries[] = {"/lib", "/lib64", "/usr/lib", "/usr/lib64",
                                            "/etc/ld.so.cache"};
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    uint64_t changes =
        CHANGES | (version >= 2 ? ACCESS_REFER : 0) | (version >= 3 ? ACCESS_TRUNCATE : 0);
    const struct landlock_ruleset_attr attr = {.handled_access_fs = READS | OTHERS | changes};
    if (version < 1)
        return err_set(
            err, -ENOTSUP,
            "this kernel has no Landlock, without which jobs from other machines may not "
            "have files read or written here");
    _close_ int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
    int r = ruleset < 0 ? err_sys(err, -errno, "Landlock") : 0;
    for (size_t i = 0; i < c->n_reads && r == 0; i++)
        r = allow(ruleset, c->reads[i], READS, err);
    for (size_t i = 0; i < c->n_writes && r == 0; i++)
        r = allow(ruleset, c->writes[i], changes, err);
    for (size_t i = 0; i < sizeof(libraries) / sizeof(libraries[0]) && r == 0; i++) {
        struct err absent;
        bool is_file = i + 1 == sizeof(libraries) / sizeof(libraries[0]);
        allow(ruleset, libraries[i],
              is_file ? LANDLOCK_ACCESS_FS_READ_FILE : READS | LANDLOCK_ACCESS_FS_EXECUTE, &absent);
    }
    if (r == 0 && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
                   syscall(SYS_landlock_restrict_self, ruleset, 0) < 0))
        r = err_sys(err, -errno, "Landlock");
    return r;
}

void confine_explain(const struct confine *c, bool writes, int code, struct err *err)
{
    size_t n = writes ? c->n_writes : c->n_reads;
    size_t at = strlen(err->text);
    if (code != -EACCES && code != -EPERM && code != -EXDEV)
        return;
    at +=
        (size_t)snprintf(err->text + at, sizeof(err->text) - at,
                         "; jobs from other machines may %s only below", writes ? "write" : "read");
    for (size_t i = 0; i < n && at < sizeof(err->text); i++)
        at += (size_t)snprintf(err->text + at, sizeof(err->text) - at, "%s '%s'", i ? "," : "",
                               writes ? c->writes[i] : c->reads[i]);
    if (at < sizeof(err->text))
        snprintf(err->text + at, sizeof(err->text) - at, " (fanmill coordinator --jobs-may-%s)",
                 writes ? "write" : "read");
}
