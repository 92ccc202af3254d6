// The types of all messages: messages.def is the list.
#pragma once
#include <stddef.h>

enum msg_type {
#define MSG(name, number, sender, text) MSG_##name = number,
#include "proto/messages.def"
#undef MSG
};

// The type of a message by its header; -EPROTO when that has no known form. It may be a number that
// no message has.
int msg_type_of(const void *header, size_t len);
// "LEASE"; words for a number that no message has, and for an error of msg_type_of.
const char *msg_name(int type);
