// A range of numbers: a source's, or an axis of a matrix.
#pragma once
#include "pipelines/build/build.h"

// A..B, A..B..STEP or a map of start, count, step. False with a mistake.
bool range_read(struct builder *b, struct node *node, struct range *ret);
