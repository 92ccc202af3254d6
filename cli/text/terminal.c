#include "cli/text/terminal.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "cli/text/columns.h"

#define ROWS 24u
#define ENTER "\033[?1049h\033[?25l\033[H\033[2J"
#define LEAVE "\033[?25h\033[?1049l"

static struct {
    struct termios before;
    int in; // whose keys were taken; -1: none
    int out;
    volatile sig_atomic_t taken;
} terminal;

void terminal_leave(void)
{
    if (!terminal.taken)
        return;
    terminal.taken = 0;
    ssize_t n = write(terminal.out, LEAVE, sizeof(LEAVE) - 1);
    (void)n; // it is gone
    if (terminal.in >= 0)
        tcsetattr(terminal.in, TCSAFLUSH, &terminal.before);
}

static void on_fault(int number)
{
    terminal_leave();
    raise(number); // its default now, by SA_RESETHAND
}

static void leave_on_every_end(void)
{
    static bool done;
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    const struct sigaction action = {.sa_handler = on_fault, .sa_flags = SA_RESETHAND};
    if (done)
        return;
    done = true;
    atexit(terminal_leave);
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
        sigaction(faults[i], &action, NULL);
}

int terminal_enter(int in, int out)
{
    if (!isatty(out))
        return -ENOTTY;
    terminal.out = out;
    terminal.in = tcgetattr(in, &terminal.before) == 0 ? in : -1;
    leave_on_every_end();
    terminal.taken = 1;
    if (terminal.in >= 0) {
        struct termios raw = terminal.before;
        raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO); // Ctrl-C and Ctrl-Z stay signals
        raw.c_cc[VMIN] = 1;
        raw.c_cc[VTIME] = 0;
        tcsetattr(in, TCSAFLUSH, &raw);
    }
    ssize_t n = write(out, ENTER, sizeof(ENTER) - 1);
    return n < 0 ? -errno : 0;
}

void terminal_size(int fd, size_t *ret_rows, size_t *ret_columns)
{
    struct winsize size = {0};
    ioctl(fd, TIOCGWINSZ, &size);
    *ret_rows = size.ws_row ? size.ws_row : ROWS;
    *ret_columns = size.ws_col ? size.ws_col : TERMINAL_COLUMNS;
}
