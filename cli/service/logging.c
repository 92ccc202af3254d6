#include "cli/service/logging.h"

#include "base/log.h"

static const char *const forms[] = {"text", "json", "plain", NULL};

const struct arg logging_flags[] = {
    {'q', "quiet", SETS_FLAG(struct logging, quiet), NULL, "log only warnings and errors"},
    {'v', "verbose", SETS_COUNT(struct logging, verbose), NULL, "log more"},
    {0, "log-format", SETS_WORD(struct logging, form), "FORMAT",
     "log lines with the time and key=value; JSON objects; or messages as commands print them",
     "text", .words = forms},
    {0},
};

void logging_begin(const struct logging *logging)
{
    static const enum log_form of_words[] = {LOG_TEXT, LOG_JSON, LOG_PLAIN};
    log_set_form(of_words[logging->form]);
    log_set_level(logging->quiet ? LOG_WARN : logging->verbose ? LOG_DEBUG : LOG_INFO);
}
