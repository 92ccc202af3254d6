// A result of 1 MiB, at the cost of nothing but its bytes.
#include <fanmill/kernel.h>

int mebibyte(fm_call *call);
int mebibyte(fm_call *call)
{
    static const char bytes[1 << 20];
    return fm_emit(call, bytes, sizeof(bytes));
}
