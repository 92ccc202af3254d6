// From deliveries to records: what a record says, what is not shown, and a file that can't be
// written.
#include "post.h"

#include <stdlib.h>

#include "coordinator/client.h"

static void read_all(uint32_t peer, uint64_t job)
{
    say(peer, MSG_OPEN, &(struct msg_open){.stream = 1, .job = job});
    say(peer, MSG_TAKE,
        &(struct msg_take){.stream = 1, .offset_end = UINT64_MAX, .bytes = UINT64_MAX});
    turn();
}

// Runs all chunks on a worker, whose answers are "x", and checks each record.
static void run_and_look(const char *yaml, bool failed_too, enum outcome outcome,
                         void (*look)(uint64_t number, const struct record_entry *record))
{
    uint64_t n = 0;
    hello(1, 1);
    worker_comes(9, 50);
    uint64_t job = submitted(1, yaml, SUBMIT_DETACHED);
    server_job_find(server, job)->plan->sink.failed_too = failed_too;
    read_all(1, job);
    while (answer(9, outcome, "x", 1))
        turn();
    for (struct letter *l; (l = letter(1, MSG_RECORDS));) {
        struct records_reader r;
        struct record_entry record;
        struct err err;
        l->is_read = true;
        cr_assert_eq(
            records_open(&r, l->header.data, l->header.len, l->body.data, l->body.len, &err), 0);
        while (records_next(&r, &record, &err) == 1)
            look(n++, &record);
    }
    cr_expect_gt(n, 0);
}

static void is_whole(uint64_t number, const struct record_entry *record)
{
    char item[24];
    int len = snprintf(item, sizeof(item), "%d", (int)(10 + number * 5));
    cr_expect_eq(record->chunk, number);
    cr_expect_eq(record->attempt, 1);
    cr_expect_eq(record->item_first, number);
    cr_expect_eq(record->items, 1);
    cr_expect_eq(record->item_len, (size_t)len);
    cr_expect_eq(memcmp(record->item, item, (size_t)len), 0, "the number that it stands for");
    cr_expect_eq(record->worker_len, 1);
    cr_expect_eq(record->worker[0], 'w');
    cr_expect_eq(record->ending.run_ns, NS_PER_MS);
    cr_expect_gt(record->start_ns, 1600000000ll * NS_PER_S, "by the wall's clock");
    cr_expect_eq(record->body_len, 1);
}

SHELL_TEST(delivery, a_record_says_it_all)
{
    run_and_look("version: 1\nsource: {range: 10..200..5}\nstages: [{command: [echo, '{}']}]\n",
                 false, OUTCOME_OK, is_whole);
}

static void is_a_row(uint64_t number, const struct record_entry *record)
{
    if (number == 0)
        cr_expect_eq(strncmp((const char *)record->item, "1 x", record->item_len), 0, "%.*s",
                     (int)record->item_len, (const char *)record->item);
}

SHELL_TEST(delivery, a_row_of_a_matrix_in_words)
{
    run_and_look("version: 1\nsource: {matrix: {a: [1, 2], b: [x, y]}}\n"
                 "stages: [{command: [echo, '{a}', '{b}']}]\n",
                 false, OUTCOME_OK, is_a_row);
}

static void has_no_bytes(uint64_t number, const struct record_entry *record)
{
    (void)number;
    cr_expect_eq(record->ending.outcome, OUTCOME_EXIT);
    cr_expect_eq(record->body_len, record->step == 1);
}

// The bytes of a failed chunk were to become a later step's input, which is no result.
SHELL_TEST(delivery, failures_of_an_earlier_step)
{
    run_and_look("version: 1\nsource: {range: 1..3}\nsink: {stdout: raw}\n"
                 "stages:\n  - {command: [echo, '{}'], retries: 0}\n"
                 "  - {chunk: {items: 2}, command: [cat], retries: 0}\n",
                 true, OUTCOME_EXIT, has_no_bytes);
}

static void a_file_that_cant_be_written(void)
{
    uint64_t first;
    hello(1, 1);
    uint64_t id = submitted(1, NUMBERS, SUBMIT_DETACHED);
    const struct server_job *job = server_job_find(server, id);
    for (uint64_t i = 0; i < 5; i++)
        deliver(id, i, 1 << 20);
    cr_expect_eq(job->full_at, 0);
    cr_expect_geq(job->granted_bytes, 16 << 20);
    for (uint64_t i = 5; i < 20; i++)
        deliver(id, i, 1 << 20);
    cr_expect_gt(job->full_at, RECORDS_MEMORY);
    cr_expect_lt(job->full_at, 10 << 20, "the first time that it happened");
    cr_expect_not(job->broken);
    cr_expect(job->stalled, "nothing more is begun");
    cr_expect_leq(job->granted_bytes, 64 << 20);
    read_all(1, id);
    cr_expect_eq(hear_records(1, 1, &first), 20, "nothing is lost");
}

Test(delivery, a_file_that_cant_be_written)
{
    with_server(&(struct server_options){.spool_directory = "/nowhere/at/all"},
                a_file_that_cant_be_written);
}

SHELL_TEST(delivery, nobody_reads)
{
    hello(1, 1);
    worker_comes(9, 2);
    uint64_t id = submitted(1, NUMBERS, 0);
    turn();
    say(1, MSG_BYE, &(struct msg_bye){0});
    const struct server_job *job = server_job_find(server, id);
    cr_assert_not_null(job);
    deliver(id, 0, 10);
    cr_expect_eq(job->records.next, 0, "it is dropped");
    do
        turn();
    while (answer(9, OUTCOME_CANCELLED, NULL, 0));
    cr_expect_null(server_job_find(server, id));
    cr_expect_null(server->clients);
}
