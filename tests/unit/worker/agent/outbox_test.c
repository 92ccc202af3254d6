// Results on their way: numbered, kept until they are safe.
#include <criterion/criterion.h>
#include <stdlib.h>

#include "worker/agent/outbox.h"

static struct result result_of(uint64_t chunk, const uint8_t *body, size_t len)
{
    return (struct result){
        .job = 1, .attempt = 1, .chunk = chunk, .n_items = 1, .body = body, .body_len = len};
}

Test(outbox, an_empty_one_is_empty)
{
    struct outbox box;
    outbox_init(&box, 3);
    cr_expect(outbox_is_empty(&box));
    cr_expect_not(outbox_is_full(&box));
    outbox_ack(&box, 100);
    outbox_done(&box);
}

Test(outbox, results_stay_until_they_are_sent_and_acknowledged)
{
    struct outbox box;
    uint8_t *body = calloc(1, OUTBOX_BATCH_BYTES);
    outbox_init(&box, 3);
    // Each fills a message of its own.
    for (uint64_t i = 0; i < 4; i++) {
        struct result result = result_of(i, body, OUTBOX_BATCH_BYTES);
        cr_assert_eq(outbox_add(&box, &result), 0);
    }
    cr_expect_not(outbox_is_empty(&box));
    outbox_ack(&box, 2);
    cr_expect_not(outbox_is_empty(&box));
    outbox_ack(&box, 1);
    cr_expect_not(outbox_is_empty(&box), "an older acknowledgement changes nothing");
    outbox_done(&box);
    free(body);
}

Test(outbox, it_is_full_at_its_limit)
{
    struct outbox box;
    uint8_t *body = calloc(1, OUTBOX_BATCH_BYTES);
    outbox_init(&box, 3);
    uint64_t n = 0;
    while (!outbox_is_full(&box) && n < 1000) {
        struct result result = result_of(n++, body, OUTBOX_BATCH_BYTES);
        cr_assert_eq(outbox_add(&box, &result), 0);
    }
    cr_expect_geq(n, OUTBOX_BYTES_MAX / OUTBOX_BATCH_BYTES);
    cr_expect_leq(n, OUTBOX_BYTES_MAX / OUTBOX_BATCH_BYTES + 2);
    outbox_ack(&box, n);
    cr_expect(outbox_is_full(&box), "a peer can't acknowledge what was never sent");
    outbox_done(&box);
    free(body);
}
