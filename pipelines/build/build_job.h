// The head of a job, as load.c drives it.
#pragma once
#include "pipelines/build/build.h"

void build_version(struct builder *b);
void build_name(struct builder *b);
void build_description(struct builder *b);
