// A shell script with placeholders becomes a script with positional parameters. The lexer knows
// just enough of the shell to decide how a value must be quoted in its place. If it misread a
// script, a value could be split or lost, but never run: values are not in the script's text.
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "pipelines/template/template_parts.h"

#define HERE_WORD_MAX 63

enum place {
    PLACE_PLAIN,       // a command's words: the script itself or $( )
    PLACE_BACKTICK,    // the same between backticks
    PLACE_DOUBLE,      // "..."
    PLACE_SINGLE,      // '...'
    PLACE_DOLLAR,      // $'...'
    PLACE_PARAM,       // ${...}
    PLACE_ARITHMETIC,  // $((...))
    PLACE_HERE,        // a here-document that the shell expands
    PLACE_HERE_QUOTED, // one with a quoted end word, which it doesn't
};

struct here {
    char word[HERE_WORD_MAX + 1];
    bool quoted;
    bool strip_tabs;
};

struct shell_frame {
    enum place place;
    unsigned parens; // open ones that are not this frame's own
    bool quoted;     // PLACE_PARAM: the ${...} stands within double quotes
};

struct lexer {
    struct template *t;
    const char *text;
    const char *at;
    const struct template_names *names;
    struct shell_frame frames[TEMPLATE_NEST_MAX];
    size_t depth; // of the current frame
    struct here heres[TEMPLATE_HERE_MAX];
    size_t n_heres;   // whose bodies have not begun yet
    struct here here; // the body we are in
    struct err *err;
};

static struct shell_frame *frame(struct lexer *l)
{
    return &l->frames[l->depth];
}

static int copy(struct lexer *l, size_t len)
{
    int r = buf_add(&l->t->text, l->at, len);
    l->at += len;
    return r;
}

static int enter(struct lexer *l, enum place place, size_t len)
{
    enum place around = frame(l)->place;
    bool quoted = around == PLACE_DOUBLE || around == PLACE_HERE ||
                  (around == PLACE_PARAM && frame(l)->quoted);
    if (l->depth + 1 == TEMPLATE_NEST_MAX)
        return err_set(l->err, -EINVAL,
                       "quotes and substitutions are nested more than %d levels deep",
                       TEMPLATE_NEST_MAX);
    l->frames[++l->depth] = (struct shell_frame){.place = place, .quoted = quoted};
    return copy(l, len);
}

static int leave(struct lexer *l, size_t len)
{
    if (l->depth > 0)
        l->depth--;
    return copy(l, len);
}

// One positional parameter for each distinct placeholder.
static int number_of(struct lexer *l, const struct part *part, size_t *ret)
{
    for (size_t i = 0; i < l->t->n_parts; i++) {
        const struct part *p = &l->t->parts[i];
        if (p->kind == part->kind && p->form == part->form && p->param == part->param &&
            p->from_end == part->from_end && p->is_quoted == part->is_quoted) {
            *ret = i + 1;
            return 0;
        }
    }
    *ret = l->t->n_parts + 1;
    return template_add(l->t, part);
}

static bool in_backticks(const struct lexer *l)
{
    for (size_t i = 0; i <= l->depth; i++)
        if (l->frames[i].place == PLACE_BACKTICK)
            return true;
    return false;
}

// Many items are the positional parameters, so the other values come from the environment.
static int put_batch_value(struct lexer *l, const struct part *part, const char *before,
                           const char *after)
{
    enum place place = frame(l)->place;
    l->t->is_constant = false;
    l->t->uses_item |= part->kind == PART_ITEM;
    if (part->kind == PART_SEQ || part->kind == PART_SLOT)
        return buf_printf(&l->t->text, "%s${FANMILL_%s}%s", before,
                          part->kind == PART_SEQ ? "SEQ" : "SLOT", after);
    if (part->kind != PART_ITEM || part->form != FORM_WHOLE || part->is_quoted ||
        (place != PLACE_PLAIN && place != PLACE_BACKTICK))
        return err_set(l->err, -EINVAL, "a batch script takes its items as {}, outside of quotes");
    return buf_add_str(&l->t->text, "\"$@\"");
}

static int put_value(struct lexer *l, const struct part *part, size_t len)
{
    static const char *const quotes[][2] = {
        [PLACE_PLAIN] = {"\"", "\""},      [PLACE_BACKTICK] = {"\"", "\""},
        [PLACE_DOUBLE] = {"", ""},         [PLACE_SINGLE] = {"'\"", "\"'"},
        [PLACE_DOLLAR] = {"'\"", "\"$'"},  [PLACE_PARAM] = {"\"", "\""},
        [PLACE_ARITHMETIC] = {NULL, NULL}, [PLACE_HERE] = {"", ""},
        [PLACE_HERE_QUOTED] = {NULL, NULL}};
    enum place place = frame(l)->place;
    size_t number = 0;
    if (place == PLACE_ARITHMETIC)
        return err_set(
            l->err, -EINVAL,
            "a placeholder can't be used in $((...)): the shell would run its value as an "
            "expression");
    if (place == PLACE_HERE_QUOTED)
        return err_set(l->err, -EINVAL,
                       "a placeholder can't be used in a here-document with a quoted end word");
    if (in_backticks(l) && l->at > l->text && l->at[-1] == '\\')
        return err_set(l->err, -EINVAL,
                       "a placeholder can't follow a backslash between backticks; use $(...)");
    bool bare = place == PLACE_PARAM && frame(l)->quoted;
    const char *before = bare ? "" : quotes[place][0];
    const char *after = bare ? "" : quotes[place][1];
    int r;
    if (l->t->mode == TEMPLATE_BATCH) {
        r = put_batch_value(l, part, before, after);
    } else {
        r = number_of(l, part, &number);
        if (r == 0)
            r = buf_printf(&l->t->text, "%s${%zu}%s", before, number, after);
    }
    if (r == 0)
        l->at += len;
    return r;
}

// 1 after a placeholder.
static int take_brace(struct lexer *l)
{
    struct part part;
    size_t len;
    if (*l->at != '{' || (l->at > l->text && l->at[-1] == '$'))
        return 0;
    enum brace brace = brace_at(l->at, l->names, &part, &len);
    if (brace == BRACE_PLAIN)
        return 0;
    if (brace == BRACE_LITERAL) {
        int r = buf_add(&l->t->text, l->at + 1, len - 2);
        l->at += len;
        return r < 0 ? r : 1;
    }
    int r = put_value(l, &part, len);
    return r < 0 ? r : 1;
}

// $(( is arithmetic when the parenthesis that closes it is doubled too; else it is a $( that
// begins with a subshell.
static bool is_arithmetic(const char *inner)
{
    unsigned open = 0;
    for (const char *c = inner; *c; c++) {
        if (*c == '(')
            open++;
        else if (*c == ')' && open > 0)
            open--;
        else if (*c == ')')
            return c[1] == ')';
    }
    return true;
}

static int take_dollar(struct lexer *l)
{
    enum place place = frame(l)->place;
    const char *c = l->at;
    if (c[1] == '(' && c[2] == '(' && is_arithmetic(c + 3))
        return enter(l, PLACE_ARITHMETIC, 3);
    if (c[1] == '(')
        return enter(l, PLACE_PLAIN, 2);
    if (c[1] == '{')
        return enter(l, PLACE_PARAM, 2);
    if (c[1] == '\'' && (place == PLACE_PLAIN || place == PLACE_BACKTICK))
        return enter(l, PLACE_DOLLAR, 2);
    return copy(l, c[1] == '$' ? 2 : 1);
}

static int take_here(struct lexer *l)
{
    const char *from = l->at, *c = from + 2;
    struct here here = {.strip_tabs = *c == '-'};
    size_t len = 0;
    char quote = '\0';
    c += here.strip_tabs;
    while (*c == ' ' || *c == '\t')
        c++;
    for (; *c && (quote || !strchr(" \t\n;&|()<>", *c)); c++) {
        if (quote ? *c == quote : (*c == '\'' || *c == '"')) {
            quote = quote ? '\0' : *c;
            here.quoted = true;
            continue;
        }
        if (*c == '\\' && quote != '\'' && c[1]) {
            here.quoted = true;
            c++;
        }
        if (len == HERE_WORD_MAX)
            return err_set(l->err, -EINVAL,
                           "the end word of a here-document is longer than %d bytes",
                           HERE_WORD_MAX);
        here.word[len++] = *c;
    }
    if (l->n_heres == TEMPLATE_HERE_MAX)
        return err_set(l->err, -EINVAL, "more than %d here-documents on one line",
                       TEMPLATE_HERE_MAX);
    l->heres[l->n_heres++] = here;
    return copy(l, (size_t)(c - from));
}

// Begins the body of the next here-document, if one was announced.
static int begin_here(struct lexer *l)
{
    if (l->n_heres == 0)
        return 0;
    l->here = l->heres[0];
    l->n_heres--;
    memmove(l->heres, l->heres + 1, l->n_heres * sizeof(l->heres[0]));
    return enter(l, l->here.quoted ? PLACE_HERE_QUOTED : PLACE_HERE, 0);
}

// At the beginning of a line of a body: 1 after the end word.
static int end_here(struct lexer *l)
{
    const char *c = l->at;
    size_t len = strlen(l->here.word);
    while (l->here.strip_tabs && *c == '\t')
        c++;
    if (strncmp(c, l->here.word, len) != 0 || (c[len] != '\n' && c[len] != '\0'))
        return 0;
    int r = leave(l, (size_t)(c - l->at) + len + (c[len] == '\n'));
    if (r == 0)
        r = begin_here(l);
    return r < 0 ? r : 1;
}

static bool at_word_start(const struct lexer *l)
{
    return l->at == l->text || strchr(" \t\n;&|()`", l->at[-1]);
}

static int take_comment(struct lexer *l)
{
    return copy(l, strcspn(l->at, in_backticks(l) ? "\n`" : "\n"));
}

// A command's words, in the script itself, in $( ) or between backticks.
static int take_plain(struct lexer *l)
{
    struct shell_frame *f = frame(l);
    int r;
    switch (*l->at) {
    case '\'':
        return enter(l, PLACE_SINGLE, 1);
    case '"':
        return enter(l, PLACE_DOUBLE, 1);
    case '`':
        return f->place == PLACE_BACKTICK ? leave(l, 1) : enter(l, PLACE_BACKTICK, 1);
    case '(':
        f->parens++;
        return copy(l, 1);
    case ')':
        if (f->parens == 0 && l->depth > 0 && f->place == PLACE_PLAIN)
            return leave(l, 1);
        f->parens -= f->parens > 0;
        return copy(l, 1);
    case '#':
        return at_word_start(l) ? take_comment(l) : copy(l, 1);
    case '<':
        if (l->at[1] == '<' && l->at[2] == '<')
            return copy(l, 3);
        return l->at[1] == '<' ? take_here(l) : copy(l, 1);
    case '\n':
        r = copy(l, 1);
        return r < 0 ? r : begin_here(l);
    default:
        return copy(l, 1);
    }
}

static int take_inner(struct lexer *l)
{
    struct shell_frame *f = frame(l);
    char c = *l->at;
    switch (f->place) {
    case PLACE_DOUBLE:
        if (c == '"')
            return leave(l, 1);
        break;
    case PLACE_SINGLE:
    case PLACE_DOLLAR:
        return c == '\'' ? leave(l, 1) : copy(l, 1);
    case PLACE_PARAM:
        if (c == '}')
            return leave(l, 1);
        if (c == '"')
            return enter(l, PLACE_DOUBLE, 1);
        if (c == '\'' && !f->quoted)
            return enter(l, PLACE_SINGLE, 1);
        break;
    case PLACE_ARITHMETIC:
        if (c == ')' && f->parens == 0)
            return leave(l, l->at[1] == ')' ? 2 : 1);
        f->parens += c == '(';
        f->parens -= c == ')';
        break;
    default:
        break;
    }
    return c == '`' ? enter(l, PLACE_BACKTICK, 1) : copy(l, 1);
}

static int take_next(struct lexer *l)
{
    enum place place = frame(l)->place;
    bool literal = place == PLACE_SINGLE || place == PLACE_HERE_QUOTED;
    bool body = place == PLACE_HERE || place == PLACE_HERE_QUOTED;
    int r;
    if (body && (l->at == l->text || l->at[-1] == '\n') && (r = end_here(l)) != 0)
        return r;
    if ((r = take_brace(l)) != 0)
        return r;
    if (*l->at == '\\' && !literal)
        return copy(l, l->at[1] ? 2 : 1);
    if (*l->at == '$' && !literal && place != PLACE_DOLLAR)
        return take_dollar(l);
    if (place == PLACE_HERE_QUOTED)
        return copy(l, 1);
    if (place == PLACE_PLAIN || place == PLACE_BACKTICK)
        return take_plain(l);
    return take_inner(l);
}

int template_compile_script(struct template *t, const char *text,
                            const struct template_names *names, struct err *err, size_t *ret_offset)
{
    struct lexer l = {.t = t, .text = text, .at = text, .names = names, .err = err};
    t->is_constant = true;
    int r = 0;
    while (r >= 0 && *l.at)
        r = take_next(&l);
    if (r == -EINVAL)
        *ret_offset = (size_t)(l.at - text);
    return r < 0 ? r : buf_add(&t->text, "", 1);
}
