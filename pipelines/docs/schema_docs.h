// The job file described, out of the table of its keys: for editors, for man and for the guide.
// Pure: each appends to `out` and returns 0, -ENOMEM or -ENOBUFS.
#pragma once
#include "base/buf.h"
#include "pipelines/file/schema.h"

// The JSON Schema (draft-07). It accepts every job file that the loader accepts, and refuses what
// can be said about one key or the keys of one map; globs, kernels and the rest are the loader's.
int schema_json(struct buf *out);
// The keys of a section as a table of Markdown.
int schema_markdown(enum section section, struct buf *out);

// The section called so: "job", "stage" or the name of its key. SECTION_COUNT: none.
enum section schema_section_named(const char *name);
const char *schema_section_name(enum section section);
// What the key takes, in words: "count (2 to 1,000,000) or `all`"; code in backticks.
int schema_value(const struct schema_key *key, struct buf *out);
