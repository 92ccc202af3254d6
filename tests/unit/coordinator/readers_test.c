// Streams: credit, where they begin, how they end, and a peer that is lost in the middle of a send.
#include "post.h"

#include "coordinator/client.h"

#define ALL UINT64_MAX

static void open_stream(uint32_t peer, uint64_t stream, uint64_t job, uint64_t from)
{
    say(peer, MSG_OPEN, &(struct msg_open){.stream = stream, .job = job, .from = from});
}

static void grant(uint32_t peer, uint64_t stream, uint64_t taken, uint64_t offset_end,
                  uint64_t bytes)
{
    say(peer, MSG_TAKE,
        &(struct msg_take){
            .stream = stream, .taken = taken, .offset_end = offset_end, .bytes = bytes});
    turn();
}

static void close_stream(uint32_t peer, uint64_t stream, uint32_t mode)
{
    say(peer, MSG_CLOSE, &(struct msg_close){.stream = stream, .mode = mode});
    turn();
}

static void deliver_n(uint64_t job, uint64_t first, uint64_t n, size_t len)
{
    for (uint64_t i = first; i < first + n; i++)
        deliver(job, i, len);
    turn();
}

SHELL_TEST(readers, nothing_goes_without_credit)
{
    uint64_t first = ALL;
    hello(1, 1);
    uint64_t job = submitted(1, NUMBERS, 0);
    open_stream(1, 7, job, 0);
    deliver_n(job, 0, 5, 10);
    cr_expect_eq(letters(1, MSG_RECORDS), 0);
    grant(1, 7, 0, 2, 20);
    cr_expect_eq(hear_records(1, 7, &first), 2, "as far as offset_end");
    cr_expect_eq(first, 0);
    grant(1, 7, 2, 100, 25);
    cr_expect_eq(hear_records(1, 7, &first), 1, "20 bytes were sent: the next passes 25");
    cr_expect_eq(first, 2);
    grant(1, 7, 2, 100, 40);
    cr_expect_eq(hear_records(1, 7, &first), 1);
    grant(1, 7, 4, 100, ALL);
    cr_expect_eq(hear_records(1, 7, &first), 1);
    cr_expect_eq(first, 4);
    grant(1, 7, 0, 0, 0); // credit that is lower than before changes nothing
    deliver_n(job, 5, 1, 10);
    cr_expect_eq(hear_records(1, 7, &first), 1);
}

// Large records have a page each: the one that the reader stands at the end of goes with what it
// took.
SHELL_TEST(readers, one_goes_on_whose_page_was_taken)
{
    const size_t large = 2 << 20;
    uint64_t first = ALL;
    hello(1, 1);
    uint64_t job = submitted(1, NUMBERS, 0);
    open_stream(1, 7, job, 0);
    deliver_n(job, 0, 4, large);
    grant(1, 7, 0, 10, large);
    cr_expect_eq(hear_records(1, 7, &first), 1);
    grant(1, 7, 1, 10, 2 * large);
    cr_expect_eq(hear_records(1, 7, &first), 1);
    cr_expect_eq(first, 1);
    grant(1, 7, 2, 10, ALL);
    cr_expect_eq(hear_records(1, 7, &first), 2);
}

SHELL_TEST(readers, they_begin_where_they_want)
{
    struct job_info row;
    uint64_t first = ALL;
    hello(1, 1);
    uint64_t job = submitted(1, NUMBERS, SUBMIT_DETACHED);
    deliver_n(job, 0, 5, 10);
    open_stream(1, 1, job, 3);
    grant(1, 1, 0, ALL, ALL);
    cr_expect_eq(hear_records(1, 1, &first), 2);
    cr_expect_eq(first, 3);
    open_stream(1, 2, job, 8); // which is not there yet
    grant(1, 2, 0, ALL, ALL);
    deliver_n(job, 5, 2, 10);
    cr_expect_eq(hear_records(1, 2, &first), 0);
    cr_expect_eq(hear_records(1, 1, &first), 2);
    deliver_n(job, 7, 2, 10);
    cr_expect_eq(hear_records(1, 2, &first), 1);
    cr_expect_eq(first, 8);
    cr_expect_eq(hear_end(1, 1, &row), INT_MIN);
}

SHELL_TEST(readers, what_was_taken_is_gone)
{
    struct job_info row;
    uint64_t first;
    hello(1, 1);
    uint64_t job = submitted(1, NUMBERS, 0);
    open_stream(1, 1, job, 0);
    grant(1, 1, 0, ALL, ALL);
    deliver_n(job, 0, 2 * RECORDS_PAGE_ENTRIES, 1);
    cr_expect_eq(hear_records(1, 1, &first), 2 * RECORDS_PAGE_ENTRIES);
    grant(1, 1, RECORDS_PAGE_ENTRIES + 10, ALL, ALL);
    cr_expect_eq(server_job_find(server, job)->records.n, 1, "whole pages go");
    say(1, MSG_BYE, &(struct msg_bye){0});
    turn();
    hello(1, 1);
    open_stream(1, 1, job, 5);
    cr_expect_eq(hear_end(1, 1, &row), -ENOENT, "with its client the job went");
}

SHELL_TEST(readers, a_client_that_comes_back_reads_on)
{
    struct job_info row;
    struct msg_welcome welcome;
    uint64_t first;
    hello(1, 1);
    uint64_t job = submitted(1, NUMBERS, 0);
    open_stream(1, 1, job, 0);
    grant(1, 1, 0, ALL, ALL);
    deliver_n(job, 0, 2 * RECORDS_PAGE_ENTRIES, 1);
    grant(1, 1, RECORDS_PAGE_ENTRIES + 10, ALL, ALL);
    hear_records(1, 1, &first);
    hear(1, MSG_WELCOME, &welcome);
    cr_expect_not(welcome.resumed);
    hello(2, 1); // the same session on another connection
    hear(2, MSG_WELCOME, &welcome);
    cr_expect(welcome.resumed);
    cr_expect_null(peer_at(1), "the old connection is buried at once");
    open_stream(2, 1, job, 5);
    cr_expect_eq(hear_end(2, 1, &row), -ESTALE);
    open_stream(2, 2, job, RECORDS_PAGE_ENTRIES + 10);
    grant(2, 2, RECORDS_PAGE_ENTRIES + 10, ALL, ALL);
    cr_expect_eq(hear_records(2, 2, &first), RECORDS_PAGE_ENTRIES - 10);
    cr_expect_eq(first, RECORDS_PAGE_ENTRIES + 10);
}

SHELL_TEST(readers, streams_that_are_refused)
{
    struct job_info row;
    hello(1, 1);
    hello(2, 2);
    uint64_t own = submitted(1, NUMBERS, 0);
    uint64_t detached = submitted(1, NUMBERS, SUBMIT_DETACHED);
    open_stream(1, 1, 99, 0);
    cr_expect_eq(hear_end(1, 1, &row), -ENOENT);
    cr_expect_eq(row.id, 99);
    open_stream(2, 1, own, 0);
    cr_expect_eq(hear_end(2, 1, &row), -EACCES, "a job that is another client's");
    open_stream(1, 1, own, 0);
    open_stream(1, 2, own, 0);
    cr_expect_eq(hear_end(1, 2, &row), -EBUSY, "one reader, unless it is detached");
    open_stream(1, 1, detached, 0);
    cr_expect_eq(hear_end(1, 1, &row), -EBUSY, "the number is in use");
    for (uint64_t i = 2; i < 1025; i++)
        open_stream(1, i, detached, 0);
    cr_expect_eq(letters(1, MSG_END), 0);
    open_stream(1, 2000, detached, 0);
    cr_expect_eq(hear_end(1, 2000, &row), -EBUSY, "too many");
    open_stream(2, 1, detached, 0);
    cr_expect_eq(hear_end(2, 1, &row), INT_MIN, "others read what is detached");
}

SHELL_TEST(readers, end_comes_after_the_last_record)
{
    struct job_info row;
    uint64_t first;
    hello(1, 1);
    worker_comes(9, 4);
    uint64_t job = submitted(1, NUMBERS, 0);
    open_stream(1, 1, job, 0);
    grant(1, 1, 0, 99, ALL);
    turn();
    while (answer(9, OUTCOME_OK, "x\n", 2))
        turn();
    cr_expect_eq(hear_records(1, 1, &first), 99);
    cr_expect_eq(hear_end(1, 1, &row), INT_MIN, "a record waits for credit");
    grant(1, 1, 99, 100, ALL);
    while (answer(9, OUTCOME_OK, "x\n", 2))
        turn();
    cr_expect_eq(hear_records(1, 1, &first), 1);
    cr_expect_eq(hear_end(1, 1, &row), 0);
    cr_expect_eq(row.ok, 100);
    cr_expect_eq(row.phase, PHASE_ENDED);
    turn();
    cr_expect_eq(letters(1, MSG_END), 0, "said once");
    close_stream(1, 1, CANCEL_NONE);
    cr_expect_eq(hear_end(1, 1, &row), 0, "CLOSE is answered by END");
    cr_expect_null(server_job_find(server, job), "its last reader takes the job with it");
}

SHELL_TEST(readers, closing_ends_the_job)
{
    struct job_info row;
    struct msg_cancel cancel;
    hello(1, 1);
    worker_comes(9, 2);
    uint64_t job = submitted(1, NUMBERS, 0);
    open_stream(1, 1, job, 0);
    grant(1, 1, 0, ALL, ALL);
    close_stream(1, 1, CANCEL_RUNNING);
    hear(9, MSG_CANCEL, &cancel);
    cr_expect_eq(cancel.mode, CANCEL_RUNNING);
    cr_expect_eq(hear_end(1, 1, &row), INT_MIN, "two chunks run");
    close_stream(1, 1, CANCEL_KILL); // a second CLOSE is nothing
    while (answer(9, OUTCOME_CANCELLED, NULL, 0))
        turn();
    cr_expect_eq(hear_end(1, 1, &row), -ECANCELED);
    cr_expect_null(server_job_find(server, job));
    cr_expect_eq(letters(1, MSG_RECORDS), 0);
}

SHELL_TEST(readers, leaving_a_detached_job_leaves_it_alone)
{
    struct job_info row;
    hello(1, 1);
    uint64_t job = submitted(1, NUMBERS, SUBMIT_DETACHED);
    open_stream(1, 1, job, 0);
    close_stream(1, 1, CANCEL_NONE);
    cr_expect_eq(hear_end(1, 1, &row), 0);
    cr_expect_eq(row.phase, PHASE_RUNNING);
    cr_expect_not_null(server_job_find(server, job));
    open_stream(1, 2, job, 0);
    close_stream(1, 2, CANCEL_KILL);
    cr_expect_eq(hear_end(1, 2, &row), -ECANCELED);
    cr_expect_not_null(server_job_find(server, job), "its records are kept");
}

// Two read a job; the first is lost while its second page is sent. It is only marked there: nothing
// goes from under the sender's feet. The turn's end buries it, and the other one reads all.
SHELL_TEST(readers, lost_in_the_middle_of_a_send)
{
    uint64_t first;
    hello(1, 1);
    hello(2, 2);
    uint64_t job = submitted(1, NUMBERS, SUBMIT_DETACHED);
    deliver_n(job, 0, 3 * RECORDS_PAGE_ENTRIES, 1);
    open_stream(1, 1, job, 0);
    open_stream(2, 2, job, 0);
    deafen(1, -EHOSTUNREACH, 1);
    say(1, MSG_TAKE, &(struct msg_take){.stream = 1, .offset_end = ALL, .bytes = ALL});
    say(2, MSG_TAKE, &(struct msg_take){.stream = 2, .offset_end = ALL, .bytes = ALL});
    struct client *client = peer_at(1)->client;
    turn();
    cr_expect_eq(hear_records(1, 1, &first), RECORDS_PAGE_ENTRIES);
    cr_expect_eq(hear_records(2, 2, &first), 3 * RECORDS_PAGE_ENTRIES);
    cr_expect_null(peer_at(1), "buried");
    cr_expect_null(client->peer, "away");
    cr_expect(LIST_EMPTY(&client->streams));
    cr_expect_not_null(server_job_find(server, job));
    pass_time(PROTO_SILENCE_NS + 2 * NS_PER_S);
    cr_expect_eq(HASH_COUNT(server->clients), 1, "it did not come back");
}

// The same while the END of its own job is sent, whose last reader it is.
SHELL_TEST(readers, lost_while_its_job_ends)
{
    hello(1, 1);
    uint64_t job = submitted(1, NUMBERS, 0);
    open_stream(1, 1, job, 0);
    deafen(1, -EHOSTUNREACH, 0);
    close_stream(1, 1, CANCEL_KILL);
    cr_expect_null(server_job_find(server, job));
    cr_expect_null(peer_at(1));
    cr_expect(TAILQ_EMPTY(&server->dirty));
}

SHELL_TEST(readers, a_full_queue_is_tried_again)
{
    struct job_info row;
    uint64_t first;
    hello(1, 1);
    worker_comes(9, 100);
    uint64_t job = submitted(1, NUMBERS, 0);
    open_stream(1, 1, job, 0);
    grant(1, 1, 0, ALL, ALL);
    deafen(1, -EAGAIN, 0);
    while (answer(9, OUTCOME_OK, "x\n", 2))
        turn();
    cr_expect_eq(letters(1, MSG_RECORDS), 0);
    cr_expect_not_null(peer_at(1), "a client's full queue is no reason to drop it");
    pass_time(PROTO_HEARTBEAT_NS);
    cr_expect_eq(letters(1, MSG_RECORDS), 0);
    deafen(1, -EAGAIN, 2); // a heartbeat and the records; END is held up
    pass_time(PROTO_HEARTBEAT_NS);
    cr_expect_eq(hear_records(1, 1, &first), 100);
    cr_expect_eq(first, 0);
    cr_expect_eq(hear_end(1, 1, &row), INT_MIN);
    deafen(1, 0, 0);
    pass_time(PROTO_HEARTBEAT_NS);
    cr_expect_eq(hear_records(1, 1, &first), 0, "nothing twice");
    cr_expect_eq(hear_end(1, 1, &row), 0);
}

SHELL_TEST(readers, much_takes_several_turns)
{
    uint64_t first;
    hello(1, 1);
    uint64_t job = submitted(1, NUMBERS, SUBMIT_DETACHED);
    for (uint64_t i = 0; i < 40; i++)
        deliver(job, i, RECORDS_PAGE_BODY); // a page each
    open_stream(1, 1, job, 0);
    grant(1, 1, 0, ALL, ALL);
    cr_expect_eq(hear_records(1, 1, &first), 40);
    cr_expect(TAILQ_EMPTY(&server->dirty));
}

static uint64_t bytes_for(uint32_t peer)
{
    uint64_t bytes = 0;
    for (struct letter *l; (l = letter(peer, MSG_RECORDS));) {
        l->is_read = true;
        bytes += l->header.len + l->body.len;
    }
    return bytes;
}

// Whatever it says that it is ready for.
SHELL_TEST(readers, who_takes_nothing_is_sent_little)
{
    hello(1, 1);
    uint64_t job = submitted(1, NUMBERS, SUBMIT_DETACHED);
    for (uint64_t i = 0; i < 100; i++)
        deliver(job, i, 1 << 20);
    for (uint64_t i = 1; i <= 30; i++) {
        open_stream(1, i, job, 0);
        grant(1, i, 0, ALL, ALL / 2);
    }
    pass_time(3 * NS_PER_S);
    cr_expect_leq(server->untaken, CLIENT_UNTAKEN + (33u << 20));
    uint64_t sent = bytes_for(1);
    cr_expect_eq(sent, server->untaken);
    cr_expect_geq(sent, CLIENT_UNTAKEN);
    // What one of them takes is room for it and the others.
    grant(1, 1, 60, ALL, ALL / 2);
    cr_expect_gt(bytes_for(1), 1 << 20);
    say(1, MSG_BYE, &(struct msg_bye){0});
    turn();
    cr_expect_eq(server->untaken, 0);
}

// The parts of one large record are taken before the record is.
SHELL_TEST(readers, a_record_that_is_larger_than_what_may_be_untaken)
{
    static uint8_t bytes[4 << 20];
    struct slice parts[30];
    for (int i = 0; i < 30; i++)
        parts[i] = (struct slice){.data = bytes, .len = sizeof(bytes)};
    hello(1, 1);
    uint64_t id = submitted(1, NUMBERS, 0), got = 0, window = 8 << 20;
    struct server_job *job = server_job_find(server, id);
    open_stream(1, 1, id, 0);
    cr_assert_eq(
        job_records_add(&job->records, &(struct record_entry){.worker = ""}, NULL, 0, parts, 30),
        0);
    do {
        grant(1, 1, 0, 10, got + window);
        uint64_t more = bytes_for(1);
        cr_assert_gt(more, 0, "after %d", (int)got);
        got += more;
    } while (got < 120u << 20);
}
