// Sources whose items have fields, and what a record is; for build_source.c.
#pragma once
#include "pipelines/build/build.h"

// A..B, A..B..STEP or a map of start, count, step. False when it was told.
bool range_read(struct builder *b, struct node *node, struct range *ret);
// source.csv, once its paths are read: header, delimiter, and the columns that its file has.
void csv_read(struct builder *b, const struct node *map, struct node *kind);
void matrix_read(struct builder *b, struct node *node);
void record_read(struct builder *b, const struct node *map);
