#include "cli/oneliner/from_parallel.h"

#include <string.h>

#include "cli/text/fill.h"

#define HERE_COLUMN 29u
#define CITED "nothing asks for a citation; omit it"
#define PLACEHOLDERS "placeholders have fixed names: see fanmill map --help"
#define NO_SQL "write --json; a database can read its lines"
#define NO_PERL "no Perl here: do it in the script, or before fanmill"
#define SENDS_NO_FILES "hosts must see the files: a shared folder, or scp in the script"
#define NO_JOURNAL "not in this version of fanmill: a run can't be taken up again yet"
#define NOT_YET "not in this version of fanmill"
#define FIND_SSH "ssh is found on the PATH; say the rest in ~/.ssh/config"
#define NOT_NEEDED "not needed; accepted"
#define IS_DEFAULT "is the default; accepted"

const struct arg_foreign from_parallel[] = {
    {"--null -0", .here = "the same"},
    {"--arg-file -a", .here = "the same; several are one list, file after file"},
    {"--arg-file-sep", .here = "the same"},
    {"--arg-sep", .here = "the same"},
    {"--bar", .same = "", .here = "progress is shown on a terminal; accepted"},
    {"--basefile --bf", .here = SENDS_NO_FILES},
    {"--basenamereplace --bnr", .here = PLACEHOLDERS},
    {"--basenameextensionreplace --bner", .here = PLACEHOLDERS},
    {"--bin", .here = "write fanmill pipe for each value, after grep or awk has divided the data"},
    {"--bg", .here = "goes with fanmill sem, where it is the default"},
    {"--block --block-size", .same = "block",
     .here = "the same, in fanmill pipe; --parts N% for "
             "negative ones"},
    {"--block-timeout --bt", .here = "use --lines or a smaller --block"},
    {"--cat", .here = "the same, in fanmill pipe"},
    {"--cleanup", .here = SENDS_NO_FILES},
    {"--color-failed --cf", .here = "failures are told on standard error, in colour"},
    {"--color", .here = "colours messages, not output: --color WHEN"},
    {"--colsep -C", .here = "the same, by an extended regular expression"},
    {"--compress", .here = "results that wait are in one file of bounded size: --spool-limit"},
    {"--compress-program --decompress-program", .here = "as --compress"},
    {"--csv", .here = "the same"},
    {"--ctag", .same = "tag", .here = "--tag, without colours"},
    {"--ctagstring", .here = NOT_YET},
    {"--delay", .here = "the same, without auto"},
    {"--delimiter -d", .here = "the same"},
    {"--dirnamereplace --dnr", .here = PLACEHOLDERS},
    {"--dry-run --dryrun", .same = "dry-run", .here = "the same"},
    {"-E --eof -e", .here = "write sed '/^END$/Q' list | fanmill map ..."},
    {"--embed", .here = "install fanmill where the script runs: it is one program"},
    {"--env", .here = "the same; _ for all: local commands get the whole environment anyway"},
    {"--eta", .same = "", .here = "is part of the progress line; accepted"},
    {"--fg", .here = "goes with fanmill sem"},
    {"--fifo", .here = "the same, in fanmill pipe"},
    {"--filter", .here = "write awk or grep before fanmill, or in the script"},
    {"--filter-hosts", .same = "",
     .here = "a host that can't be reached is told and left out; "
             "accepted"},
    {"--gnu", .same = "", .here = NOT_NEEDED},
    {"--group", .same = "", .here = "output is never mixed; accepted"},
    {"--group-by", .here = "sort the data, and cut where the group begins: --record-start"},
    {"--help -h", .here = "the same"},
    {"--halt --halt-on-error", .same = "halt", .here = "the same"},
    {"--header", .here = "the same; in fanmill pipe it is the number of lines"},
    {"--hostgroups --hgrp", .here = "use a coordinator, and labels of its workers: man fanmill"},
    {"-I --replace -i", .here = "the placeholder is {}"},
    {"--joblog --jl", .here = NO_JOURNAL "; --json has all that it holds"},
    {"--jobs -j --max-procs -P", .same = "slots", .here = "-j; a file of it is not read"},
    {"--keep-order -k", .here = IS_DEFAULT},
    {"-L --max-lines -l", .here = "write -n N, or in fanmill pipe --lines N"},
    {"--limit", .here = "write --load or --memfree"},
    {"--latest-line --ll", .here = NOT_YET},
    {"--line-buffer --lb", .here = NOT_YET},
    {"--link --xapply", .same = "link",
     .here = "the same, but the shortest list decides; or ::: a b :::+ 1 2"},
    {"--load", .here = "the same"},
    {"--controlmaster -M", .here = FIND_SSH},
    {"-m", .here = "write -X"},
    {"--memfree", .here = "the same, but nothing that runs is killed"},
    {"--memsuspend", .here = "write --memory SIZE, what one command needs, or --memfree"},
    {"--minversion", .here = "write fanmill --version"},
    {"--max-args -n", .here = "the same"},
    {"--max-replace-args -N", .same = "max-args", .here = "-n; in fanmill pipe -N is the same"},
    {"--nonall", .here = "write fanmill map --tag ssh {} COMMAND ::: HOST..."},
    {"--onall", .here = "write fanmill map --tag ssh {1} COMMAND {2} ::: HOST... ::: ITEM..."},
    {"--open-tty -o", .here = "commands have no terminal; -o FILE is for results"},
    {"--output-as-files --outputasfiles --files", .same = "files", .here = "the same"},
    {"--pipe --spreadstdin", .here = "write fanmill pipe"},
    {"--pipe-part --pipepart", .here = "write fanmill pipe --parts 100% -- COMMAND :::: FILE"},
    {"--plain", .same = "", .here = "there are no profiles; accepted"},
    {"--plus", .same = "", .here = "its placeholders are always there; accepted"},
    {"--process-slot-var", .here = "the slot is {%} and $FANMILL_SLOT"},
    {"--progress", .here = "is shown on a terminal: --progress WHEN"},
    {"--max-line-length-allowed", .here = "an argument has up to 128 KiB: man fanmill, LIMITS"},
    {"--number-of-cpus --number-of-cores --number-of-sockets --number-of-threads",
     .here = "write nproc"},
    {"--no-keep-order", .same = "unordered", .here = "--unordered"},
    {"--nice", .here = "the same"},
    {"--interactive -p", .here = "look at --dry-run first"},
    {"--_parset", .here = "write mapfile -t results < <(fanmill map ...)"},
    {"--parens", .here = NO_PERL},
    {"--profile -J", .here = "write a shell function, or a job file"},
    {"--quote", .same = "", .here = "words are never parsed again; omit it (-q is --quiet)"},
    {"-q", .here = "is --quiet; words are never parsed again, so nothing needs quoting"},
    {"--no-run-if-empty -r", .same = "", .here = "empty input runs nothing; accepted"},
    {"--noswap", .here = "write --memfree SIZE"},
    {"--record-env --session", .here = "name what commands on other hosts need: --env NAME"},
    {"--recstart", .same = "record-start", .here = "--record-start, in fanmill pipe"},
    {"--recend", .same = "record-end", .here = "--record-end, in fanmill pipe"},
    {"--regexp", .here = "records begin or end with a fixed text; sed can put one there"},
    {"--remove-rec-sep --removerecsep --rrs", .same = "remove-rec-sep",
     .here = "the same, in fanmill pipe"},
    {"--results --res", .same = "results", .here = "the same, for a folder"},
    {"--resume", .here = NO_JOURNAL},
    {"--resume-failed --retry-failed", .here = NO_JOURNAL "; submit, and fanmill retry --failed"},
    {"--retries", .here = "counts the attempts after the first: one less"},
    {"--return", .here = SENDS_NO_FILES},
    {"--round-robin --round", .here = "write fanmill pipe --parts 100%: one command for each slot"},
    {"--rpl", .here = NO_PERL},
    {"--rsync-opts", .here = SENDS_NO_FILES},
    {"--max-chars -s", .here = "write -X: up to 128 KiB for one command"},
    {"--show-limits", .here = "see man fanmill, LIMITS"},
    {"--semaphore --semaphore-name --id", .here = "write fanmill sem --id NAME -j N COMMAND"},
    {"--semaphore-timeout --st", .here = "goes with fanmill sem"},
    {"--seqreplace", .here = PLACEHOLDERS},
    {"--shard", .here = "divide the data by awk first, then a fanmill pipe for each"},
    {"--shebang --hashbang", .here = "write a job file, first line #!/usr/bin/env -S fanmill run"},
    {"--shebang-wrap", .here = "as --shebang"},
    {"--shell-completion", .here = "write fanmill completion SHELL"},
    {"--shell-quote", .here = "items need no quoting; {@q} quotes one for a shell further on"},
    {"--shuf", .here = "the same, of one list"},
    {"--skip-first-line", .here = "write tail -n +2 list | fanmill map ..., or --header"},
    {"--sql --sql-master --sqlmaster", .here = NO_SQL},
    {"--sql-and-worker --sqlandworker", .here = NO_SQL},
    {"--sql-worker --sqlworker", .here = NO_SQL},
    {"--ssh", .here = FIND_SSH},
    {"--ssh-delay --sshdelay", .same = NULL, .here = "hosts are asked one by one; omit it"},
    {"--sshlogin -S", .same = "host", .here = "--host USER@HOST/SLOTS,..."},
    {"--sshloginfile --slf", .here = "write --host \"$(paste -sd, FILE)\""},
    {"--slotreplace", .here = PLACEHOLDERS},
    {"--silent", .same = "quiet", .here = "-q"},
    {"--template --tmpl", .here = "write a here-document in the script: placeholders work in it"},
    {"--tty", .here = "commands have no terminal: use a shell loop"},
    {"--tag", .here = "the same"},
    {"--tagstring", .here = NOT_YET},
    {"--tee", .here = "write fanmill pipe for each command, or tee >(...) >(...)"},
    {"--term-seq --termseq", .here = NOT_YET},
    {"--total-jobs --total", .here = "is known, or told as soon as it is"},
    {"--tmpdir", .same = "spool-dir", .here = "--spool-dir"},
    {"--tmux --tmuxpane", .here = NOT_YET},
    {"--timeout", .here = "the same"},
    {"--verbose -t", .same = "verbose", .here = "-v"},
    {"--transfer --transferfile --tf --trc", .here = SENDS_NO_FILES},
    {"--trim", .here = "the same; -C implies nothing"},
    {"--ungroup -u", .here = NOT_YET},
    {"--extensionreplace --er", .here = PLACEHOLDERS},
    {"--use-sockets-instead-of-threads", .here = "write -j N%: of the CPUs that nproc counts"},
    {"--use-cores-instead-of-threads", .here = "write -j N%: of the CPUs that nproc counts"},
    {"--use-cpus-instead-of-cores", .here = "write -j N%: of the CPUs that nproc counts"},
    {"-v", .here = "the same"},
    {"--version -V", .here = "write fanmill --version"},
    {"--workdir --wd", .same = "workdir", .here = "the same"},
    {"--wait", .here = "goes with fanmill sem"},
    {"-X", .here = "the same"},
    {"--exit -x", .same = "", .here = "an item that is too long always ends in an error; accepted"},
    {"--xargs", .here = "the same as -X"},
    {"--will-cite --citation", .same = "", .here = CITED},
    {0},
};

int from_parallel_write(struct buf *out)
{
    int r = 0;
    for (const struct arg_foreign *f = from_parallel; f->words && r == 0; f++) {
        size_t begin = out->len;
        r = buf_printf(out, "%s", f->words);
        size_t len = out->len - begin;
        if (r == 0 && len + 2 > HERE_COLUMN) {
            r = buf_add_str(out, "\n");
            len = 0;
        }
        if (r == 0)
            r = buf_printf(out, "%*s", (int)(HERE_COLUMN - len), "");
        if (r == 0)
            r = fill(out, f->here, HERE_COLUMN, HERE_COLUMN);
    }
    return r;
}
