#include "coordinator/answer.h"

#include <stdio.h>

#include "coordinator/client.h"
#include "coordinator/peer.h"
#include "proto/client.h"

int client_answer(struct client *client, uint64_t request, int code, uint64_t value,
                  const char *text)
{
    struct msg_answer m = {.request = request, .code = code, .value = value};
    snprintf(m.text, sizeof(m.text), "%s", text);
    peer_say(client->peer, MSG_ANSWER, &m);
    return 0;
}
