// The one unlinked file of a coordinator that pages of records go to, of all jobs: what is kept
// costs no descriptor of its own. A place is a power of two of bytes and is used again for pages of
// that size; what of it is not written, or was dropped, takes no room on the disk.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

#define PAGE_FILE_MIN 4096u                                    // bytes of the smallest place
#define PAGE_FILE_SIZES 14u                                    // of places
#define PAGE_FILE_MAX (PAGE_FILE_MIN << (PAGE_FILE_SIZES - 1)) // of the largest, 32 MiB

struct page_file;

// Opens nothing yet. Borrows the directory. -ENOMEM.
int page_file_new(const char *directory, struct page_file **ret);
// Opens it now, so that no lack of descriptors can keep it from being opened later. What fails is
// tried again when it is needed.
void page_file_reserve(struct page_file *file);
// Accepts NULL. Returns NULL.
struct page_file *page_file_free(struct page_file *file);
// Writes both parts, one after the other; blocks. -ENOSPC, -EFBIG, -EDQUOT, -EIO, -EMFILE, -ENOMEM,
// ...: nothing is kept, and a later call may succeed.
int page_file_put(struct page_file *file, const struct slice *first, const struct slice *second,
                  int64_t *ret_at);
// Reads all of it; blocks. -EIO and others.
int page_file_get(const struct page_file *file, int64_t at, void *data, size_t len);
// Gives the place back.
void page_file_drop(struct page_file *file, int64_t at, size_t len);
// Bytes that are kept in it.
uint64_t page_file_bytes(const struct page_file *file);
