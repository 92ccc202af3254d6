// The inside of a template, which template*.c and the builder of plans share.
#pragma once
#include "pipelines/template/template.h"

enum part_kind { PART_TEXT, PART_ITEM, PART_SEQ, PART_SLOT, PART_PARAM, PART_FIELD };

// The part of a path that a placeholder stands for.
enum part_form {
    FORM_WHOLE,      // {}
    FORM_NO_EXT,     // {.}
    FORM_BASE,       // {/}
    FORM_DIR,        // {//}
    FORM_BASE_BARE,  // {/.}: base name without extension
    FORM_NO_EXT2,    // {..}: without two extensions, if it has them
    FORM_NO_EXT3,    // {...}
    FORM_BASE_BARE2, // {/..}
    FORM_BASE_BARE3, // {/...}
    FORM_ONLY_DIR,   // {+/}: what {/} removes, without the slash
    FORM_ONLY_EXT,   // {+.}: what {.} removes, without the dot
    FORM_ONLY_EXT2,  // {+..}
    FORM_ONLY_EXT3,  // {+...}
};

struct part {
    enum part_kind kind;
    enum part_form form;
    bool is_quoted; // @q: quoted for a shell
    bool from_end;  // PART_FIELD: {-1} is the last column
    size_t param;   // PART_PARAM: its place in names.params; PART_FIELD: column, from 0
    size_t offset;  // PART_TEXT: of the bytes in template.text
    size_t len;
};

struct template
{
    enum template_mode mode;
    struct buf text;    // WORD: the constant parts; SCRIPT: the script
    struct part *parts; // WORD: in order; SCRIPT: one for each positional parameter
    size_t n_parts;
    bool uses_item;
    bool is_constant; // BATCH, which has no parts: nothing was replaced
    char *suspect;
    char *hint;
};

// What `text` is, which begins with a brace.
enum brace {
    BRACE_PLAIN,   // nothing known: the brace is a brace
    BRACE_VALUE,   // a placeholder
    BRACE_LITERAL, // a doubled one, {{}}: its inner text stays
};
// *ret_len is how many bytes it takes. The byte before a `{` decides too: ${x} belongs to a shell.
enum brace brace_at(const char *text, const struct template_names *names, struct part *ret,
                    size_t *ret_len);

// Whether the character may be part of the name of a param.
bool part_name_char(char c);
// Whether the text, "", ".", "/" ..., is a form.
bool part_form_of(const char *text, size_t len, enum part_form *ret);

// A placeholder of another tool, which would silently stay as it is; NULL: none.
const char *template_foreign(const char *text);
// Whether text between braces is made like a placeholder, of digits, dots, slashes, though it may
// be none. A shell's {1..9} is not.
bool template_like_placeholder(const char *body, size_t len);
// Refuses what is made like a placeholder and is none. -EINVAL with *ret_offset.
int template_refuse_senseless(const char *text, const struct template_names *names, struct err *err,
                              size_t *ret_offset);
// Sets t->suspect and t->hint. -ENOMEM.
int template_find_suspect(struct template *t, const char *text, const struct template_names *names);

// Appends a part to the template. -ENOMEM.
int template_add(struct template *t, const struct part *part);

// Reads the script and writes t->text and t->parts. -EINVAL, -ENOMEM.
int template_compile_script(struct template *t, const char *text,
                            const struct template_names *names, struct err *err,
                            size_t *ret_offset);
