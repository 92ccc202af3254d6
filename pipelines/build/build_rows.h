// Sources whose items have fields, and where records end; for build_source.c.
#pragma once
#include "pipelines/build/build.h"

// source.csv, once its paths are read: header, delimiter, and the columns of its file.
void csv_read(struct builder *b, const struct node *map, struct node *kind);
void matrix_read(struct builder *b, struct node *node);
// `record`: where the records of data end.
void separator_read(struct builder *b, const struct node *map);
