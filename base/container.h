// From a pointer to a member back to the struct that holds it.
#pragma once
#include <stddef.h>

#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
