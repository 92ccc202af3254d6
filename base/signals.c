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

bool signal_is_ignored(int number)
{
    struct sigaction action;
    return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

static void do_nothing(int number)
{
    (void)number;
}

void signal_absorb(int number)
{
    struct sigaction action = {.sa_handler = do_nothing, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    if (!signal_is_ignored(number))
        sigaction(number, &action, NULL);
}

const char *signal_text(int number, char *text)
{
    const char *name = sigabbrev_np(number);
    snprintf(text, SIGNAL_TEXT_MAX, "signal %d (%s%s)", number, name ? "SIG" : "",
             name ? name : "unknown");
    return text;
}
