#include "cli/oneliner/inputs.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/fd.h"
#include "base/grow.h"
#include "cli/oneliner/lines.h"
#include "pipelines/input/matrix.h"
#include "pipelines/own_path.h"
#include "pipelines/plan.h"

// Whether the word is the separator, or with a plus.
static bool separates(const char *word, const char *separator, bool *ret_linked)
{
    size_t len = strlen(separator);
    if (strncmp(word, separator, len) != 0)
        return false;
    *ret_linked = word[len] == '+' && !word[len + 1];
    return !word[len] || *ret_linked;
}

static bool starts_list(const struct inputs *in, const char *word, bool *ret_files,
                        bool *ret_linked)
{
    *ret_files = separates(word, in->arg_file_sep ? in->arg_file_sep : "::::", ret_linked);
    return *ret_files || separates(word, in->arg_sep ? in->arg_sep : ":::", ret_linked);
}

// The value of a flag, "--arg-sep X" or "--arg-sep=X"; NULL: it is not among the words.
static const char *value_of(int argc, char **argv, const char *flag)
{
    size_t len = strlen(flag);
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strncmp(argv[i], flag, len) == 0 && argv[i][len] == '=' && argv[i][len + 1])
            return argv[i] + len + 1;
        if (strcmp(argv[i], flag) == 0 && i + 1 < argc && argv[i + 1][0])
            return argv[i + 1];
    }
    return NULL;
}

int inputs_split(int argc, char **argv, struct inputs *ret, struct err *err)
{
    struct input_list *list = NULL;
    int words = 0;
    ret->arg_sep = value_of(argc, argv, "--arg-sep");
    ret->arg_file_sep = value_of(argc, argv, "--arg-file-sep");
    for (int i = 0; i < argc; i++) {
        bool linked = false, from_files = false;
        bool is_value = argv[i] == ret->arg_sep || argv[i] == ret->arg_file_sep;
        if (is_value || !starts_list(ret, argv[i], &from_files, &linked)) {
            if (list)
                list->n++;
            else
                words++;
            continue;
        }
        if (ret->n == INPUT_LISTS_MAX)
            return err_set(err, -EINVAL, "more than %u lists of items", INPUT_LISTS_MAX);
        if (linked && !ret->n)
            return err_set(err, -EINVAL, "'%s' needs a list before it to go with", argv[i]);
        list = &ret->lists[ret->n++];
        *list = (struct input_list){
            .from_files = from_files, .is_linked = linked, .words = argv + i + 1};
    }
    for (size_t i = 0; i < ret->n; i++)
        if (ret->lists[i].from_files && !ret->lists[i].n)
            return err_set(err, -EINVAL, "'::::' needs the names of files");
    return words;
}

bool inputs_named(const struct inputs *in)
{
    return in->n || in->n_files;
}

static bool names_stdin(const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (path_is_stdin(words[i]))
            return true;
    return false;
}

bool inputs_from_stdin(const struct inputs *in)
{
    if (!inputs_named(in) || names_stdin(in->files, in->n_files))
        return true;
    for (size_t i = 0; i < in->n; i++)
        if (in->lists[i].from_files &&
            names_stdin((const char *const *)in->lists[i].words, in->lists[i].n))
            return true;
    return false;
}

// The i-th of all files that are named; NULL past the last.
static const char *file_at(const struct inputs *in, size_t i)
{
    if (i < in->n_files)
        return in->files[i];
    i -= in->n_files;
    for (size_t k = 0; k < in->n; k++) {
        if (in->lists[k].from_files && i < in->lists[k].n)
            return in->lists[k].words[i];
        i -= in->lists[k].from_files ? in->lists[k].n : 0;
    }
    return NULL;
}

static bool is_read_once(const char *name, struct stat *ret)
{
    if (path_is_stdin(name))
        return fstat(STDIN_FILENO, ret) == 0;
    return stat(name, ret) == 0 && (S_ISFIFO(ret->st_mode) || S_ISSOCK(ret->st_mode));
}

int inputs_check_names(const struct inputs *in, struct err *err)
{
    struct stat a, b;
    const char *name, *other;
    for (size_t i = 1; (name = file_at(in, i)); i++)
        for (size_t k = 0; k < i && is_read_once(name, &a) && (other = file_at(in, k)); k++)
            if (is_read_once(other, &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino)
                return err_set(err, -EINVAL, "%s%s%s is named twice, but it can be read only once",
                               path_is_stdin(name) ? "" : "'",
                               path_is_stdin(name) ? "standard input" : name,
                               path_is_stdin(name) ? "" : "'");
    return 0;
}

static int add_word(struct source *source, const char *word, size_t len)
{
    size_t n = source->n_texts;
    if (grow(source->texts, n, 2) < 0) // one for the NULL at the end
        return -ENOMEM;
    char *copy = strndup(word, len);
    if (!copy)
        return -ENOMEM;
    source->texts[n] = copy;
    source->texts[n + 1] = NULL;
    source->n_texts++;
    return 0;
}

void inputs_source_done(struct source *source)
{
    plan_source_done(source);
    *source = (struct source){0};
}

// Where items go: a list, or an axis of a matrix.
struct adder {
    const struct inputs *in;
    struct source *source;
    struct matrix *matrix; // NULL: the source's own list
    bool wants_name;       // the first item names the axis
    bool is_linked;        // the axis goes along with the one before
};

static int add_text(void *arg, const char *text, size_t len)
{
    struct adder *to = arg;
    text = row_trim(to->in->trims, text, &len);
    if (!to->matrix)
        return add_word(to->source, text, len);
    if (!to->wants_name)
        return matrix_add_value(to->matrix, text, len);
    _free_ char *name = strndup(text, len);
    to->wants_name = false;
    if (!name)
        return -ENOMEM;
    return to->is_linked ? matrix_link_axis(to->matrix, name) : matrix_add_axis(to->matrix, name);
}

// The words themselves, or the lines of the files they name.
static int take_list(const struct input_list *list, struct adder *to, struct err *err)
{
    const struct inputs *in = to->in;
    for (size_t i = 0; i < list->n; i++) {
        const char *word = list->words[i];
        int r = list->from_files ? lines_read(word, in->delimiter, !in->keeps_cr, INPUT_STDIN_MAX,
                                              add_text, to, err)
                                 : add_text(to, word, strlen(word));
        if (r < 0)
            return list->from_files ? r : err_sys(err, r, "the list of items");
    }
    return 0;
}

// Files that are read as the job goes on; missing ones are reported now.
static int name_files(const char *const *names, size_t n, const char *flag, struct source *ret,
                      struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        const char *name = path_is_stdin(names[i]) ? "-" : names[i];
        if (strcmp(name, "-") != 0 && access(name, R_OK) < 0)
            return err_sys(err, -errno, "%s '%s'", flag, name);
        if (add_word(ret, name, strlen(name)) < 0)
            return err_sys(err, -ENOMEM, "%s", flag);
    }
    return 0;
}

static int keep_separator(const struct inputs *in, struct source *ret)
{
    char *separator = strdup(in->separator);
    if (!separator)
        return -ENOMEM;
    ret->rows.form = ROW_SPLIT;
    ret->rows.is_regex = in->is_regex;
    ret->rows.split_at = separator;
    return 0;
}

// {1} is the item itself; {2} does not exist. Where there are no items, there may be more columns.
static int number_items(struct source *ret, size_t n_columns)
{
    ret->rows.columns = calloc(n_columns + 1, sizeof(*ret->rows.columns));
    for (; ret->rows.columns && ret->rows.n_columns < n_columns; ret->rows.n_columns++)
        if (!(ret->rows.columns[ret->rows.n_columns] = strdup("")))
            return -ENOMEM;
    if (!ret->rows.columns)
        return -ENOMEM;
    ret->rows.form = ROW_WHOLE;
    return 0;
}

static int source_table(const struct inputs *in, const char *const *names, size_t n,
                        const char *flag, bool keeps_stdin, struct source *ret, struct err *err)
{
    if (keeps_stdin && names_stdin(names, n))
        return err_set(err, -EINVAL,
                       "a submitted job can't read a table from standard input; give a file: "
                       ":::: FILE");
    ret->kind = SOURCE_CSV;
    ret->rows.has_header = in->has_header;
    ret->rows.form = ROW_CSV;
    ret->rows.delimiter = in->is_csv && in->separator ? in->separator[0] : ',';
    if (!row_delimiter_ok(ret->rows.delimiter))
        return err_set(err, -EINVAL, "-C: this byte can't separate the columns of a CSV table");
    // A line of a list is a row of one column: no line holds what ends it.
    struct inputs one = *in;
    const char end[] = {(char)in->delimiter ? (char)in->delimiter : '\n', '\0'};
    if (!one.separator)
        one.separator = end;
    if (!in->is_csv && keep_separator(&one, ret) < 0)
        return err_sys(err, -ENOMEM, "-C");
    return name_files(names, n, flag, ret, err);
}

static int source_files(const struct inputs *in, bool keeps_stdin, struct source *ret,
                        struct err *err)
{
    static const char *const only_stdin[] = {"-"};
    const char *const *names = only_stdin;
    size_t n = 1;
    const char *flag = "-a";
    if (in->n) {
        names = (const char *const *)in->lists[0].words;
        n = in->lists[0].n;
        flag = "::::";
    } else if (in->n_files) {
        names = in->files;
        n = in->n_files;
    }
    if (in->is_csv || in->has_header)
        return source_table(in, names, n, flag, keeps_stdin, ret, err);
    if (!in->is_shuffled && (!keeps_stdin || !names_stdin(names, n))) {
        ret->kind = SOURCE_LINES;
        return name_files(names, n, flag, ret, err);
    }
    ret->kind = SOURCE_ITEMS;
    struct adder to = {.in = in, .source = ret};
    for (size_t i = 0; i < n; i++) {
        int r =
            lines_read(names[i], in->delimiter, !in->keeps_cr, INPUT_STDIN_MAX, add_text, &to, err);
        if (r < 0)
            return r;
    }
    return 0;
}

static int source_matrix(const struct inputs *in, struct source *ret, struct err *err)
{
    ret->kind = SOURCE_MATRIX;
    ret->matrix = matrix_new();
    if (!ret->matrix)
        return err_sys(err, -ENOMEM, "the lists of items");
    for (size_t i = 0; i < in->n; i++) {
        const struct input_list *list = &in->lists[i];
        struct adder to = {.in = in,
                           .matrix = ret->matrix,
                           .wants_name = in->has_header,
                           .is_linked = list->is_linked};
        int r = in->has_header    ? 0
                : list->is_linked ? matrix_link_axis(ret->matrix, NULL)
                                  : matrix_add_axis(ret->matrix, NULL);
        if (r < 0)
            return err_sys(err, r, "the lists of items");
        r = take_list(list, &to, err);
        if (r == 0 && to.wants_name)
            return err_set(err, -EINVAL, "--header: list %zu has no first line to name it", i + 1);
        if (r == -E2BIG)
            return err_set(err, r,
                           "combined lists may have %u MiB in all; for a single long list use "
                           "-a FILE",
                           MATRIX_BYTES_MAX >> 20);
        if (r < 0)
            return r;
    }
    return matrix_seal(ret->matrix, err);
}

// Items 0, n, 2n.. of a single list make the first column, 1, n + 1.. the second: linked lists. The
// last row is filled up with empty items.
static int source_groups(const struct inputs *in, struct source *ret, struct err *err)
{
    struct source items = {0};
    struct adder to = {.in = in, .source = &items};
    int r = 0;
    ret->kind = SOURCE_MATRIX;
    ret->matrix = matrix_new();
    if (in->n == 1)
        r = take_list(&in->lists[0], &to, err);
    for (size_t i = 0; i < in->n_files && r == 0; i++)
        r = lines_read(in->files[i], in->delimiter, !in->keeps_cr, INPUT_STDIN_MAX, add_text, &to,
                       err);
    if (!inputs_named(in))
        r = lines_read("-", in->delimiter, !in->keeps_cr, INPUT_STDIN_MAX, add_text, &to, err);
    size_t n_rows = items.n_texts / in->group + (items.n_texts % in->group != 0);
    for (uint32_t column = 0; column < in->group && r == 0; column++) {
        r = !ret->matrix ? -ENOMEM
            : column     ? matrix_link_axis(ret->matrix, NULL)
                         : matrix_add_axis(ret->matrix, NULL);
        for (size_t row = 0; row < n_rows && r == 0; row++) {
            size_t i = row * in->group + column;
            const char *text = i < items.n_texts ? items.texts[i] : "";
            r = matrix_add_value(ret->matrix, text, strlen(text));
        }
        if (r == -E2BIG)
            err_set(err, r, "items used by number may have %u MiB in all", MATRIX_BYTES_MAX >> 20);
        else if (r < 0)
            err_sys(err, r, "the list of items");
    }
    inputs_source_done(&items);
    if (r == 0 && n_rows == 0) {
        inputs_source_done(ret);
        ret->kind = SOURCE_ITEMS;
        return number_items(ret, in->group);
    }
    return r < 0 ? r : matrix_seal(ret->matrix, err);
}

// Splitmix64: the same order on every machine.
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static void shuffle(struct source *source, uint64_t seed)
{
    for (size_t i = source->n_texts; i > 1; i--) {
        size_t other = (size_t)(next_random(&seed) % i);
        char *text = source->texts[i - 1];
        source->texts[i - 1] = source->texts[other];
        source->texts[other] = text;
    }
}

#define PADDED_MAX (1u << 20) // numbers of a range with leading zeros: each is written out

int inputs_padded_range(const char *text, struct source *ret, struct err *err)
{
    const char *dots = strstr(text, "..");
    size_t width = dots ? (size_t)(dots - text) : 0;
    if (width < 2 || width > 18 || text[0] != '0' || strspn(text, "0123456789") != width)
        return 0;
    size_t digits = strspn(dots + 2, "0123456789");
    if (!digits || digits > 18 || dots[2 + digits])
        return err_set(err, -EINVAL, "--range: '%s' is not a range; write 001..100", text);
    uint64_t first = strtoull(text, NULL, 10), last = strtoull(dots + 2, NULL, 10);
    if (last < first || last - first >= PADDED_MAX)
        return err_set(err, -EINVAL,
                       "--range: with leading zeros it has 1 to %u numbers; or write "
                       "--range %" PRIu64 "..%" PRIu64 " and $(printf %%0%zud {})",
                       PADDED_MAX, first, last, width);
    ret->kind = SOURCE_ITEMS;
    ret->delimiter = '\n';
    ret->separator = (struct separator_rule){.end = "\n", .end_len = 1};
    for (uint64_t n = first; n <= last; n++) {
        char word[24];
        int len = snprintf(word, sizeof(word), "%0*" PRIu64, (int)width, n);
        if (add_word(ret, word, (size_t)len) < 0)
            return err_sys(err, -ENOMEM, "--range");
    }
    return 1;
}

// An empty list combined with others gives nothing.
static bool has_empty_list(const struct inputs *in)
{
    for (size_t i = 0; i < in->n; i++)
        if (!in->lists[i].from_files && !in->lists[i].n)
            return true;
    return false;
}

int inputs_source(const struct inputs *in, bool by_number, bool keeps_stdin, struct source *ret,
                  struct err *err)
{
    int r;
    *ret = (struct source){.rows.trims = in->trims,
                           .delimiter = in->delimiter,
                           .keeps_cr = in->keeps_cr,
                           .separator = {.end = "\n", .end_len = 1}};
    if (in->group && in->n <= 1 && !in->separator && !in->is_csv)
        return source_groups(in, ret, err);
    if (in->n > 1 && (in->separator || in->is_csv))
        return err_set(err, -EINVAL, "%s takes one list; of several each is a column",
                       in->is_csv ? "--csv" : "-C");
    if (in->n && has_empty_list(in)) {
        ret->kind = SOURCE_ITEMS;
    } else if (in->n > 1 || (in->has_header && in->n && !in->lists[0].from_files)) {
        return source_matrix(in, ret, err);
    } else if (in->n == 1 && !in->lists[0].from_files) {
        ret->kind = SOURCE_ITEMS;
        r = take_list(&in->lists[0], &(struct adder){.in = in, .source = ret}, err);
        if (r < 0)
            return r;
    } else {
        r = source_files(in, keeps_stdin, ret, err);
        if (r < 0 || ret->kind == SOURCE_CSV)
            return r;
    }
    if (in->is_shuffled)
        shuffle(ret, in->seed);
    r = in->separator ? keep_separator(in, ret)
        : by_number   ? number_items(ret, in->n > 1 ? in->n : 1)
                      : 0;
    return r < 0 ? err_sys(err, r, "the list of items") : 0;
}

uint64_t inputs_count(const struct source *source)
{
    if (source->kind == SOURCE_ITEMS)
        return source->n_texts;
    return source->kind == SOURCE_MATRIX ? matrix_count(source->matrix) : UINT64_MAX;
}
