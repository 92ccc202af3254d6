#include "cli/text/count.h"

#include <inttypes.h>

struct count_text count(uint64_t n, const char *noun)
{
    struct count_text ret;
    snprintf(ret.text, sizeof(ret.text), "%" PRIu64 " %s%s", n, noun, n == 1 ? "" : "s");
    return ret;
}
