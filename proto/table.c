// The fields of each message, in the order in which they are written. PROTOCOL.md says the same; a
// test compares them.
#include "proto/table.h"

#include "proto/client.h"
#include "proto/record.h"

static const struct msg_field label_fields[] = {TEXT(resource_label, name),
                                                U64_TO(resource_label, milli, RESOURCE_MILLI_MAX)};

static bool label_good(const void *m)
{
    return resource_name_ok(((const struct resource_label *)m)->name);
}

static const struct layout label = {
    .name = "label", LAYOUT(resource_label, label_fields), .good = label_good};

// ---- connections

static const struct msg_field hello[] = {U32(msg_hello, version_min), U32(msg_hello, version_max),
                                         BIN(msg_hello, session), TEXT(msg_hello, software)};

static bool hello_good(const void *m)
{
    const struct msg_hello *words = m;
    return words->version_min <= words->version_max;
}

static const struct msg_field welcome[] = {U32(msg_welcome, version),
                                           U64(msg_welcome, epoch),
                                           U64(msg_welcome, worker),
                                           I64_FROM(msg_welcome, heartbeat_ns, 1),
                                           I64_FROM(msg_welcome, silence_ns, 1),
                                           BOOL(msg_welcome, resumed)};
static const struct msg_field refuse[] = {I32_TO(msg_refuse, code, -1), TEXT(msg_refuse, text)};
static const struct msg_field heartbeat[] = {U32(msg_heartbeat, running),
                                             U32(msg_heartbeat, backlog)};
static const struct msg_field bye[] = {TEXT(msg_bye, reason)};

// ---- workers

static const struct msg_field register_[] = {
    TEXT(msg_register, name),
    TEXT(msg_register, host),
    U32(msg_register, pid),
    U32_IN(msg_register, slots, 1, PROTO_SLOTS_MAX),
    U64_TO(msg_register, resources.memory_bytes, INT64_MAX),
    U64_TO(msg_register, resources.cpus, RESOURCE_MILLI_MAX),
    U64_TO(msg_register, resources.gpus, RESOURCE_MILLI_MAX),
    ROWS(msg_register, resources.labels, resources.n_labels, RESOURCE_LABELS_MAX, &label),
    I64_FROM(msg_register, ends_in_ns, 0)};
static const struct msg_field credit[] = {U32_TO(msg_credit, window_items, PROTO_WINDOW_MAX),
                                          U64(msg_credit, window_bytes)};
static const struct msg_field step[] = {
    U64(msg_step, job), U32(msg_step, step),
    REF(msg_step, packed, packed_len, FIELD_BIN_REF, PROTO_STEP_MAX)};
static const struct msg_field forget[] = {U64(msg_forget, job)};
static const struct msg_field ack[] = {U64(msg_ack, seq)};
static const struct msg_field cancel[] = {U64(msg_cancel, job), CANCEL(msg_cancel, mode)};
static const struct msg_field drain[] = {U32(msg_drain, grace_ms)};
static const struct msg_field need[] = {BIN(msg_need, digest)};
static const struct msg_field library[] = {BIN(msg_library, digest), I32_TO(msg_library, code, 0),
                                           TEXT(msg_library, text)};

static const struct msg_field lease[] = {U64(lease_head, epoch),
                                         COUNT(lease_head, count, 0, PROTO_LEASE_RUNS_MAX)};
static const struct msg_field lease_entry_fields[] = {
    U64(lease, job),
    U32(lease, step),
    U32_IN(lease, attempt, 1, UINT32_MAX),
    U64_TO(lease, first, UINT64_MAX - PROTO_RUN_CHUNKS_MAX),
    U32_IN(lease, count, 1, PROTO_RUN_CHUNKS_MAX),
    U8(lease, kind, PROTO_RUN_KINDS - 1),
    U64(lease, item_first),
    U64(lease, items_per_chunk),
    U64(lease, item_end),
    LENS(lease, lens, PROTO_BODY_MAX)};
static const struct msg_field result[] = {
    U64(result_head, epoch), U64_TO(result_head, first_seq, UINT64_MAX - PROTO_RESULTS_MAX),
    COUNT(result_head, count, 0, PROTO_RESULTS_MAX)};
static const struct msg_field result_entry_fields[] = {
    U64(result, job),
    U32(result, step),
    U32(result, attempt),
    U64(result, chunk),
    BOOL(result, more),
    BOOL(result, is_stderr),
    U32_TO(result, ending.outcome, OUTCOME_COUNT - 1),
    I32(result, ending.code),
    I64_FROM(result, ending.run_ns, 0),
    I64_FROM(result, ending.cpu_ns, 0),
    U64(result, ending.maxrss_bytes),
    U32(result, ending.leftovers),
    REF(result, error, error_len, FIELD_STR_NIL, PROTO_TEXT_MAX),
    REF(result, stderr_text, stderr_len, FIELD_BIN_NIL, PROTO_STDERR_TAIL_MAX),
    LENS(result, item_lens, PROTO_RESULT_PART_MAX)};
static const struct msg_field return_[] = {COUNT(return_head, count, 0, PROTO_LEASE_RUNS_MAX)};
static const struct msg_field return_entry_fields[] = {
    U64(msg_return, job), U32(msg_return, step), U32(msg_return, attempt),
    U64_TO(msg_return, first, UINT64_MAX - PROTO_RUN_CHUNKS_MAX),
    U32_IN(msg_return, count, 1, PROTO_RUN_CHUNKS_MAX)};

static const struct msg_field begun[] = {COUNT(return_head, count, 0, PROTO_BEGUN_MAX)};
static const struct msg_field begun_entry_fields[] = {
    U64(msg_begun, job), U32(msg_begun, step), U32(msg_begun, attempt), U64(msg_begun, chunk),
    I64_FROM(msg_begun, age_ns, 0)};

const struct layout lease_entry = {.name = "lease entry", LAYOUT(lease, lease_entry_fields)};
static bool result_good(const void *m)
{
    const struct result *entry = m;
    return entry->more || !entry->is_stderr;
}

static bool record_good(const void *m)
{
    const struct record_entry *entry = m;
    return entry->more || !entry->is_stderr;
}

const struct layout result_entry = {
    .name = "result entry", LAYOUT(result, result_entry_fields), .good = result_good};
const struct layout return_entry = {.name = "return entry",
                                    LAYOUT(msg_return, return_entry_fields)};

const struct layout begun_entry = {.name = "begun entry", LAYOUT(msg_begun, begun_entry_fields)};

// ---- clients

static const struct msg_field need_fields[] = {U64(job_need, job), BOOL(job_need, any)};
static const struct layout need_row = {.name = "need", LAYOUT(job_need, need_fields)};
static const struct msg_field submit[] = {
    U64(msg_submit, request), BIN(msg_submit, key), U32_TO(msg_submit, flags, SUBMIT_FLAGS),
    I64(msg_submit, timeout_ns), ROWS(msg_submit, needs, n_needs, PROTO_NEEDS_MAX, &need_row)};
static const struct msg_field answer[] = {U64(msg_answer, request), I32(msg_answer, code),
                                          U64(msg_answer, value), TEXT(msg_answer, text)};
static const struct msg_field store[] = {U64(msg_store, request), BIN(msg_store, digest)};
static const struct msg_field range_fields[] = {U64(chunk_range, first), U64(chunk_range, last)};
static const struct layout range_row = {.name = "range", LAYOUT(chunk_range, range_fields)};
static const struct msg_field control[] = {
    U64(msg_control, request), U32_TO(msg_control, verb, VERB_COUNT - 1),
    U64(msg_control, first),   U64(msg_control, last),
    TEXT(msg_control, name),   ROWS(msg_control, chunks, n_chunks, PROTO_RANGES_MAX, &range_row)};
static const struct msg_field open_[] = {U64(msg_open, stream), U64(msg_open, job),
                                         U64(msg_open, from)};
static const struct msg_field take_[] = {U64(msg_take, stream), U64(msg_take, taken),
                                         U64(msg_take, offset_end), U64(msg_take, bytes)};
static const struct msg_field close_[] = {U64(msg_close, stream),
                                          U32_TO(msg_close, mode, CANCEL_KILL)};

static const struct msg_field want[] = {U64(msg_want, job),         U64(msg_want, seq),
                                        U64(msg_want, chunks),      U64(msg_want, bytes),
                                        I64(msg_want, mean_run_ns), U32(msg_want, slots)};
static const struct msg_field feed[] = {U64(feed_head, seq), COUNT(feed_head, count, 1, 1)};
static const struct msg_field feed_end[] = {U64(msg_feed_end, job), U64(msg_feed_end, seq),
                                            I32(msg_feed_end, code), TEXT(msg_feed_end, text)};
static const struct msg_field fetch[] = {
    U64(msg_fetch, job), U64(msg_fetch, chunk),
    REF(msg_fetch, extent, extent_len, FIELD_BIN_REF, PROTO_EXTENT_MAX)};
static const struct msg_field data[] = {U64(msg_data, job), U64(msg_data, chunk),
                                        I32(msg_data, code), TEXT(msg_data, text)};
static const struct msg_field attend[] = {U64(msg_attend, request),
                                          U64(msg_attend, job),
                                          U32_TO(msg_attend, what, ATTEND_COUNT - 1),
                                          I32_TO(msg_attend, code, ATTEND_SKIP),
                                          U64(msg_attend, total),
                                          TEXT(msg_attend, text)};

static const struct msg_field records[] = {U64(records_head, stream),
                                           U64_TO(records_head, first_offset, INT64_MAX),
                                           U32_TO(records_head, count, PROTO_RECORDS_MAX)};
static const struct msg_field record_fields[] = {
    U32(record_entry, step),
    U64(record_entry, chunk),
    U32(record_entry, attempt),
    BOOL(record_entry, more),
    BOOL(record_entry, is_stderr),
    BOOL(record_entry, partial),
    U32_TO(record_entry, ending.outcome, OUTCOME_COUNT - 1),
    I32(record_entry, ending.code),
    I64_FROM(record_entry, start_ns, 0),
    I64_FROM(record_entry, ending.run_ns, 0),
    I64_FROM(record_entry, ending.cpu_ns, 0),
    U64(record_entry, ending.maxrss_bytes),
    U32(record_entry, ending.leftovers),
    REF(record_entry, worker, worker_len, FIELD_STR_REF, PROTO_NAME_MAX),
    U64(record_entry, item_first),
    U64(record_entry, items),
    REF(record_entry, item, item_len, FIELD_BIN_NIL, PROTO_ITEM_MAX),
    REF(record_entry, error, error_len, FIELD_STR_NIL, PROTO_TEXT_MAX),
    REF(record_entry, stderr_text, stderr_len, FIELD_BIN_NIL, PROTO_STDERR_TAIL_MAX),
    U64_TO(record_entry, body_len, PROTO_RECORD_PART_MAX)};
const struct layout record_row = {
    .name = "record entry", LAYOUT(record_entry, record_fields), .good = record_good};

static const struct msg_field query[] = {
    U64(msg_query, request),        U32_TO(msg_query, what, QUERY_COUNT - 1),
    U64(msg_query, first),          U64(msg_query, last),
    TEXT(msg_query, user),          U32_TO(msg_query, phases, (1u << PHASE_COUNT) - 1),
    I64_FROM(msg_query, age_ns, 0), U32(msg_query, limit)};
static const struct msg_field info[] = {
    U64(info_head, request), U32_TO(info_head, what, QUERY_COUNT - 1), BOOL(info_head, more),
    COUNT(info_head, count, 0, PROTO_INFO_ROWS_MAX)};
static const struct msg_field job_fields[] = {
    U64(job_info, id),
    TEXT(job_info, name),
    TEXT(job_info, owner),
    U8(job_info, phase, PHASE_COUNT - 1),
    U8(job_info, fate, FATE_COUNT - 1),
    BOOL(job_info, detached),
    BOOL(job_info, failed_too),
    U64(job_info, created_ms),
    I64(job_info, age_ns),
    I32(job_info, priority),
    U8(job_info, waits, WAIT_COUNT - 1),
    BOOL(job_info, held),
    TEXT(job_info, needs),
    U64(job_info, total),
    U64(job_info, chunks),
    U64(job_info, waiting),
    U64(job_info, leased),
    U64(job_info, running),
    U64(job_info, ok),
    U64(job_info, failed),
    U64(job_info, cancelled),
    U64(job_info, unrun),
    U64(job_info, retries),
    U64(job_info, records),
    I32(job_info, first_code),
    TEXT(job_info, text),
    TEXT(job_info, sink),
};
static const struct msg_field worker_fields[] = {
    U64(worker_info, id),
    TEXT(worker_info, name),
    TEXT(worker_info, host),
    TEXT(worker_info, user),
    TEXT(worker_info, software),
    U32(worker_info, pid),
    U32_TO(worker_info, slots, PROTO_SLOTS_MAX),
    U64(worker_info, memory_bytes),
    TEXT(worker_info, resources),
    U64(worker_info, leased),
    U64(worker_info, running),
    U64(worker_info, done),
    BOOL(worker_info, draining),
    I64(worker_info, up_ns),
    I64(worker_info, silent_ns),
    I64(worker_info, idle_ns),
    I64(worker_info, ends_in_ns),
};
static const struct msg_field running_fields[] = {
    U64(running_info, job),     U32(running_info, step),       U64(running_info, chunk),
    U32(running_info, attempt), U64(running_info, worker),     TEXT(running_info, name),
    I64(running_info, age_ns),  U64(running_info, item_first), U64(running_info, items),
    TEXT(running_info, text)};
static const struct msg_field line_fields[] = {U64(line_info, job), TEXT(line_info, name),
                                               U64(line_info, value), TEXT(line_info, text)};
static const struct layout job_row = {.name = "job row", LAYOUT(job_info, job_fields)};
static const struct layout worker_row = {.name = "worker row", LAYOUT(worker_info, worker_fields)};
static const struct layout running_row = {.name = "running row",
                                          LAYOUT(running_info, running_fields)};
static const struct layout line_row = {.name = "line row", LAYOUT(line_info, line_fields)};

const struct layout *info_row(enum query what)
{
    static const struct layout *const rows[QUERY_COUNT] = {[QUERY_JOBS] = &job_row,
                                                           [QUERY_WORKERS] = &worker_row,
                                                           [QUERY_EXPLAIN] = &line_row,
                                                           [QUERY_SERVICE] = &line_row,
                                                           [QUERY_RUNNING] = &running_row};
    return rows[what];
}

static const struct msg_field end[] = {U64(msg_end, stream), I32_TO(msg_end, code, 0),
                                       ROW(msg_end, job, &job_row)};

const struct layout *msg_layout(int type)
{
    static const struct layout messages[] = {
        [MSG_HELLO] = {LAYOUT(msg_hello, hello), .good = hello_good},
        [MSG_WELCOME] = {LAYOUT(msg_welcome, welcome)},
        [MSG_REFUSE] = {LAYOUT(msg_refuse, refuse)},
        [MSG_REGISTER] = {LAYOUT(msg_register, register_)},
        [MSG_CREDIT] = {LAYOUT(msg_credit, credit)},
        [MSG_STEP] = {LAYOUT(msg_step, step)},
        [MSG_FORGET] = {LAYOUT(msg_forget, forget)},
        [MSG_LEASE] = {LAYOUT(lease_head, lease), .entries = &lease_entry},
        [MSG_RESULT] = {LAYOUT(result_head, result), .entries = &result_entry},
        [MSG_ACK] = {LAYOUT(msg_ack, ack)},
        [MSG_HEARTBEAT] = {LAYOUT(msg_heartbeat, heartbeat)},
        [MSG_CANCEL] = {LAYOUT(msg_cancel, cancel)},
        [MSG_DRAIN] = {LAYOUT(msg_drain, drain)},
        [MSG_RETURN] = {LAYOUT(return_head, return_), .entries = &return_entry},
        [MSG_BYE] = {LAYOUT(msg_bye, bye)},
        [MSG_SUBMIT] = {LAYOUT(msg_submit, submit)},
        [MSG_ANSWER] = {LAYOUT(msg_answer, answer)},
        [MSG_OPEN] = {LAYOUT(msg_open, open_)},
        [MSG_TAKE] = {LAYOUT(msg_take, take_)},
        [MSG_RECORDS] = {LAYOUT(records_head, records), .entries = &record_row},
        [MSG_END] = {LAYOUT(msg_end, end)},
        [MSG_CLOSE] = {LAYOUT(msg_close, close_)},
        [MSG_WANT] = {LAYOUT(msg_want, want)},
        [MSG_FEED] = {LAYOUT(feed_head, feed), .entries = &lease_entry},
        [MSG_FEED_END] = {LAYOUT(msg_feed_end, feed_end)},
        [MSG_QUERY] = {LAYOUT(msg_query, query)},
        [MSG_INFO] = {LAYOUT(info_head, info)}, // its rows are those of info_row
        [MSG_CONTROL] = {LAYOUT(msg_control, control)},
        [MSG_FETCH] = {LAYOUT(msg_fetch, fetch)},
        [MSG_DATA] = {LAYOUT(msg_data, data)},
        [MSG_STORE] = {LAYOUT(msg_store, store)},
        [MSG_NEED] = {LAYOUT(msg_need, need)},
        [MSG_LIBRARY] = {LAYOUT(msg_library, library)},
        [MSG_BEGUN] = {LAYOUT(return_head, begun), .entries = &begun_entry},
        [MSG_RECALL] = {LAYOUT(return_head, return_), .entries = &return_entry},
        [MSG_ATTEND] = {LAYOUT(msg_attend, attend)},
        [MSG_KEEP] = {LAYOUT(return_head, return_), .entries = &return_entry},
        [MSG_DISCARD] = {LAYOUT(return_head, return_), .entries = &return_entry},
    };
    size_t n = sizeof(messages) / sizeof(messages[0]);
    return type >= 0 && (size_t)type < n && messages[type].n ? &messages[type] : NULL;
}
