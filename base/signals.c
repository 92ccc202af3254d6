#include "base/signals.h"

#include <signal.h>

static void set(int number, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler};
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, NULL);
}

void signal_ignore(int number)
{
    set(number, SIG_IGN);
}

void signal_default(int number)
{
    set(number, SIG_DFL);
}
