# fanmill/kernel.h as C99 and as C++, without a warning.
. tests/support/lib.sh
cat >kernel.c <<'EOF'
#include <fanmill/kernel.h>
int mine(fm_call *call);
int mine(fm_call *call)
{
    size_t len;
    const char *item = (const char *)fm_item(call, 0, &len);
    if (fm_item_count(call) == 0 || !item || !fm_data(call, &len))
        return fm_fail(call, "chunk %d has no item", (int)call->chunk);
    if (fm_progress(call, 1, 2) < 0 || fm_emit(call, item, len) < 0)
        return -1;
    return fm_arg(call, "x") ? 0 : fm_emit_text(call, "%s\n", item);
}
EOF
flags="-I$ROOT/include -pedantic -Wall -Wextra -Wconversion -Werror -fsyntax-only"
for standard in c99 c11 gnu17; do
    case_is "$standard"
    # shellcheck disable=SC2086
    cc -std=$standard $flags kernel.c 2>stderr || wrong "it does not compile"
done
if echo 'int main() { return 0; }' | c++ -x c++ -fsyntax-only - 2>stderr; then
    for standard in c++11 c++17; do
        case_is "$standard"
        # shellcheck disable=SC2086
        c++ -x c++ -std=$standard $flags kernel.c 2>stderr || wrong "it does not compile"
    done
fi
finish
