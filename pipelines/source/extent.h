// An extent: where a chunk's data lies in a file that the worker reads itself, so that the bytes
// never pass through the coordinator. It is the payload of a RUN_EXTENT chunk.
//
// An aligned extent means the records that BEGIN in [offset, offset + length): a reader skips the
// rest of a record that began before `offset` (it looks at the bytes before it), and reads past
// the end until its last record is whole. So a file is cut by arithmetic alone, without being read.
// The plan says where records end (pipelines/input/separator.h). The header at the file's
// beginning is read again for each extent that holds a record.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

#define EXTENT_PATH_MAX 4096u
#define EXTENT_BYTES_MAX (1ull << 30) // data of one chunk, the last record included

struct extent {
    const char *path; // not NUL-terminated; relative to the job's directory or absolute
    size_t path_len;
    uint64_t offset;
    uint64_t length;
    bool aligned;          // to records; else exactly these bytes
    uint64_t header_bytes; // at the file's beginning, put before the data; 0: none
    // Of the file when the source looked at it: a reader on another machine may have another file
    // of the same name. 0 and 0: unknown.
    uint64_t file_size;
    int64_t mtime_ns;
    uint64_t fingerprint; // extent_fingerprint's; 0: unknown
};

struct separator_rule;
struct stat;
int64_t extent_mtime_ns(const struct stat *st);
// A hash of the file's first and last 4 KiB: another file of the same size and time is noticed
// unless it differs only in the middle. Never 0. Blocking. Negative errno.
#define EXTENT_FINGERPRINT_BYTES 4096u
int extent_fingerprint(int fd, uint64_t size, uint64_t *ret);
// The last file that was found to be the right one, so that each is checked once.
struct extent_seen {
    dev_t device;
    ino_t inode;
    uint64_t fingerprint; // 0: none yet
    uint64_t file_size;
    int64_t mtime_ns;
};
// Whether this machine's file of that path is the one that the source saw. Blocking. 0, or as
// extent_read.
int extent_check(const struct extent *extent, const char *directory, struct extent_seen *seen,
                 struct err *err);

// Appends the encoded form. -ENOBUFS, -ENOMEM.
int extent_put(struct buf *out, const struct extent *extent);
// Decodes all of `data`; the path is borrowed. -EPROTO.
int extent_get(const void *data, size_t len, struct extent *ret);

// Appends the extent's data to `out`. `directory` is where relative paths begin. Blocking. -ENOENT,
// -EACCES, -EIO, ... with text naming the path; -EFBIG past EXTENT_BYTES_MAX or the maximum of
// `out`; -ESTALE when the file became shorter than the extent, or is another than the source saw
// (then it may be read elsewhere: clear file_size and mtime_ns to read it anyway); -EISDIR, -EINVAL
// when it is not a file of bytes. Nothing is appended on failure. `rule` is the source's.
// Returns 0, or EXTENT_NO_RECORD when no record begins in it: nothing is appended, either.
#define EXTENT_NO_RECORD 1
int extent_read(const struct extent *extent, const struct separator_rule *rule,
                const char *directory, struct buf *out, struct err *err);
