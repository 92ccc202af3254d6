#include "base/signals.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

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

const char *signal_text(int number, char *text)
{
    const char *name = sigabbrev_np(number);
    snprintf(text, SIGNAL_TEXT_MAX, "signal %d (%s%s)", number, name ? "SIG" : "",
             name ? name : "unknown");
    return text;
}
