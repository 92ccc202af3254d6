#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#include "pipelines/unpack_kinds.h"

int unpack_library(const char *file, const char *kind, const struct unpack_symbol *symbols,
                   void **ret, struct err *err)
{
    void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return err_set(err, -ELIBACC, "it is compressed with %s, and this machine has no %s", kind,
                       file);
    for (; symbols->name; symbols++) {
        void *found = dlsym(library, symbols->name);
        if (!found) {
            dlclose(library);
            return err_set(err, -ELIBACC, "%s has no %s", file, symbols->name);
        }
        memcpy(symbols->function, &found, sizeof(found));
    }
    *ret = library;
    return 0;
}
