# The flag tables, as shells and manual pages show them: every flag of every command is in its help,
# in fanmill(1) and in the completions, which real shells load.
. tests/support/lib.sh
for shell in bash zsh fish; do
    fanmill completion $shell
    expect_status 0
    expect_quiet
    cp stdout "completion.$shell"
done
fanmill help --man
cp stdout fanmill.1
fanmill help --man job
cp stdout fanmill-job.5

case_is "an unknown shell"
fanmill completion tcsh
expect_status 2
expect_stderr "fanmill completion: 'tcsh' is not one of bash, zsh, fish"
fanmill help --man nothing
expect_status 2
expect_stderr "fanmill: no manual page 'nothing': fanmill or job"

# offered WORD...: what bash offers for the last word, in order of the alphabet.
cat >offer.bash <<'EOF2'
source ./completion.bash
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_fanmill
printf '%s\n' "${COMPREPLY[@]}" | sort | tr '\n' ' '
EOF2
offers() {
    local want=$1 got
    shift
    got=$(bash --norc ./offer.bash "$@" 2>stderr)
    [ "${got% }" = "$want" ] || wrong "$*: offers '${got% }', not '$want'"
    expect_quiet
}
mkdir -p place/inner
touch place/job.yaml place/other.yml place/notes.txt "place/with blank.yaml"

case_is "bash"
offers "completion coordinator" fanmill co
offers "--help --version" fanmill --
offers "always auto" fanmill run --color a
offers "always auto" fanmill run --color = a
offers "always auto never" fanmill run --color =
offers "--param" fanmill run --pa
offers "place/inner place/job.yaml place/other.yml place/with blank.yaml" fanmill run place/
offers "place/job.yaml" fanmill run -j 4 -p a = 5 -v place/j
offers "place/job.yaml" fanmill check place/other.yml place/j
offers "" fanmill run place/job.yaml place/
offers "" fanmill run -j p
offers "place/notes.txt" fanmill status --connect place/n
offers "place/inner" fanmill coordinator --state place/
offers "admin client observer worker" fanmill invite ""
offers "" fanmill invite worker ""
offers "place/notes.txt" fanmill invite worker node1 -o place/n
offers "deploy-ssh" fanmill worker d
offers "--tunnel" fanmill worker deploy-ssh --tu
offers "bash fish zsh" fanmill completion ""
offers "completion" fanmill help comp
offers "" fanmill run -- --
offers "" fanmill nonsense --
offers "continue finish stop" fanmill map --on-error ""
offers "always auto json never" fanmill run --progress ""
offers "place/notes.txt" fanmill map -j 2 cat place/n
offers "" fanmill map cat --pro

case_is "bash: commands within commands, kernels with their colon"
offers "map" fanmill submit m
offers "place/job.yaml" fanmill submit place/j
offers "--retries" fanmill submit map --retri
offers "--retries" fanmill submit --wait map --retri
offers "place/notes.txt" fanmill submit map -a place/n
offers "" fanmill submit map cat --retri
offers "--timeout" fanmill submit --tim
# Bash hands over three words, and puts what is offered in the place of the last one.
export COMP_WORDBREAKS=$' \t\n"\'><=;|&(:'
[ "$(bash --norc ./offer.bash fanmill call builtin : | tr ' ' '\n' | grep -cE '^(sum|noop|find_primes)$')" = 3 ] || wrong "builtin:"
offers "find_primes" fanmill call builtin : find_
offers "find_primes" fanmill submit --wait call builtin : find_
unset COMP_WORDBREAKS

case_is "bash leaves its options as they were"
[ "$(bash --norc -c 'source ./completion.bash; COMP_WORDS=(fanmill c); COMP_CWORD=1; before=$(shopt); _fanmill; [ "$before" = "$(shopt)" ] && echo same')" = same ] ||
    wrong "an option of the shell is another one"

# Commands, as `fanmill help` lists them, and those within them.
fanmill help
commands=$(sed -n 's/^  \([a-z]*\) .*/\1/p' stdout | grep -v '^fanmill$')
[ "$(echo "$commands" | wc -l)" -gt 20 ] || wrong "fanmill help lists too few commands"
for command in $commands; do
    case_is "the flags of $command"
    grep -qx "\.SS fanmill $command" fanmill.1 || wrong "fanmill(1) has no section"
    grep -q "^        '$command:" completion.zsh || wrong "zsh does not offer it"
    grep -q -- "-n __fish_use_subcommand -a $command -d" completion.fish || wrong "fish does not offer it"
    [ "$command" = help ] && continue
    within=
    [ "$command" = worker ] && within="deploy-ssh"
    for sub in '' $within; do
        name=$command${sub:+ $sub}
        # shellcheck disable=SC2086
        fanmill $name --help
        expect_status 0
        awk 'length > 80 { exit 1 }' stdout || wrong "$name: a line of help is longer than 80 characters"
        section=$(sed -n "/^\.SS fanmill ${name//-/\\\\-}\$/,/^\.S[SH] /p" fanmill.1 | sed 's/\\-/-/g; s/\\f.//g')
        zsh=$(sed -n "/^        '$name')\$/,/;;/p" completion.zsh)
        seen="__fish_seen_subcommand_from $command${sub:+; and __fish_seen_subcommand_from $sub}"
        flags=$(bash --norc -c "source ./completion.bash; _fanmill_flags '$name'")
        flags=${flags% -h --help}
        [ "$flags" != "-h --help" ] || flags=
        # The same number everywhere: what one of them has more, another lacks.
        n=$(echo " $flags" | grep -o -- ' --[a-z]' | wc -l)
        [ "$(echo "$section" | grep -A 1 '^\.TP$' | grep -c '^\(-., \|\)--[a-z]')" = "$n" ] || wrong "$name: fanmill(1) has not $n flags"
        [ "$(echo "$zsh" | grep -c -e '--[a-z-]*\[' -e ',--[a-z-]*}')" = $((n + 1)) ] || wrong "$name: zsh has not $n flags"
        [ "$(grep -c "^complete -c fanmill -n '$seen'.* -l " completion.fish)" = $((n + 1)) ] || wrong "$name: fish has not $n flags"
        letter=
        for flag in $flags; do
            case $flag in
            --*) ;;
            *) letter=$flag; continue ;;
            esac
            flag=${flag#--}
            grep -q -e "${letter:+$letter, }--$flag\>" stdout || wrong "$name: its help has no --$flag"
            echo "$section" | grep -q -e "^${letter:+$letter, }--$flag\( \|\$\)" || wrong "$name: fanmill(1) has no --$flag"
            echo "$zsh" | grep -q -e "--$flag\[" -e "{$letter,--$flag}" || wrong "$name: zsh has no --$flag"
            grep -q -e "^complete -c fanmill -n '$seen'${letter:+ -s ${letter#-}} -l $flag " completion.fish || wrong "$name: fish has no --$flag"
            letter=
        done
        # And no line of its help begins with anything else.
        sed -n 's/^  *\(-., \|\)--\([a-z-]*\).*/\2/p' stdout | grep -v '^help$' | while read -r flag; do
            case " $flags " in *" --$flag "*) ;; *) echo "--$flag" ;; esac
        done >more
        [ ! -s more ] || wrong "$name: its help has more: $(tr '\n' ' ' <more)"
    done
done

case_is "zsh"
if command -v zsh >/dev/null; then
    zsh -f -n completion.zsh 2>stderr || wrong "it does not parse"
    mkdir zsh && cp completion.zsh zsh/_fanmill
    zsh -f -c 'fpath=($PWD/zsh $fpath); autoload -U compinit; compinit -u -d ./dump; whence -w _fanmill; [[ $_comps[fanmill] == _fanmill ]]' >stdout 2>stderr ||
        wrong "compinit does not find it"
    expect_quiet
else
    echo "skipped: zsh is not there"
fi

case_is "fish"
if command -v fish >/dev/null; then
    export HOME=$WORK
    offered=$(fish -c 'source completion.fish; complete -C "fanmill run --color a"' 2>stderr | cut -f 1 | sort | tr '\n' ' ')
    [ "$offered" = "always auto " ] || wrong "run --color a: $offered"
    offered=$(fish -c 'source completion.fish; complete -C "fanmill invite "' 2>>stderr | cut -f 1 | sort | tr '\n' ' ')
    [ "$offered" = "admin client observer worker " ] || wrong "invite: $offered"
    offered=$(fish -c 'source completion.fish; complete -C "fanmill worker deploy-ssh --tu"' 2>>stderr | cut -f 1)
    [ "$offered" = "--tunnel" ] || wrong "worker deploy-ssh --tu: $offered"
    offered=$(fish -c 'source completion.fish; complete -C "fanmill submit map --retri"' 2>>stderr | cut -f 1)
    [ "$offered" = "--retries" ] || wrong "submit map --retri: $offered"
    offered=$(fish -c 'source completion.fish; complete -C "fanmill call builtin:find_"' 2>>stderr | cut -f 1)
    [ "$offered" = "builtin:find_primes" ] || wrong "call builtin:find_: $offered"
    offered=$(fish -c 'source completion.fish; complete -C "fanmill run place/j"' 2>>stderr | cut -f 1)
    [ "$offered" = "place/job.yaml" ] || wrong "run place/j: $offered"
    expect_quiet
else
    echo "skipped: fish is not there"
fi

# ---- keys typed in real shells

term() { env -u FANMILL_TEST_MARK -u TMUX tmux -S "$WORK/tmux" -f /dev/null "$@"; }
# typed SHELL LINE WANT: what the line becomes when Tab is pressed at its end.
shows_line() { term capture-pane -t typed -p | grep -qF -- "> $1"; }
typed() {
    term kill-session -t typed 2>/dev/null
    term new-session -d -s typed -x 100 -y 20 "env PS1='> ' HOME='$WORK' PATH='$(dirname "$FANMILL_BIN"):$PATH' $1"
    until_ok sh -c "tmux -S '$WORK/tmux' capture-pane -t typed -p | grep -q '^>'"
    term send-keys -t typed "$setup" Enter
    until_ok sh -c "tmux -S '$WORK/tmux' capture-pane -t typed -p | grep -qx ready"
    term send-keys -t typed "$2"
    until_ok shows_line "$2"
    term send-keys -t typed Tab
    until_ok shows_line "$3" || wrong "$1: $2: $(term capture-pane -t typed -p)"
}
if command -v tmux >/dev/null; then
    trap 'term kill-server 2>/dev/null; rm -rf "$WORK"' EXIT
    term new-session -d -s keep "sleep 600"
    setup="cd '$WORK'; source ./completion.bash; echo ready"
    case_is "typed in bash"
    typed "bash --norc --noprofile -i" "fanmill call builtin:find_" "fanmill call builtin:find_primes"
    typed "bash --norc --noprofile -i" "fanmill call builti" "fanmill call builtin:"
    typed "bash --norc --noprofile -i" "fanmill submit map --retri" "fanmill submit map --retries"
    typed "bash --norc --noprofile -i" "fanmill worker dep" "fanmill worker deploy-ssh"
    if command -v zsh >/dev/null; then
        case_is "typed in zsh"
        setup="cd '$WORK'; fpath=(\$PWD/zsh \$fpath); autoload -U compinit; compinit -u -d ./dump; echo ready"
        typed "zsh -f -i" "fanmill call builtin:find_" "fanmill call builtin:find_primes"
        typed "zsh -f -i" "fanmill submit map --retri" "fanmill submit map --retries"
        typed "zsh -f -i" "fanmill submit --wait map --retri" "fanmill submit --wait map --retries"
        typed "zsh -f -i" "fanmill worker dep" "fanmill worker deploy-ssh"
        typed "zsh -f -i" "fanmill submit place/j" "fanmill submit place/job.yaml"
    fi
else
    echo "skipped: keys typed in shells (no tmux)"
fi

case_is "the manual pages"
if command -v man >/dev/null && command -v groff >/dev/null; then
    for page in fanmill.1 fanmill-job.5; do
        man --warnings=all -E UTF-8 -l "$page" >shown 2>stderr || wrong "$page is not shown"
        expect_quiet
        [ "$(wc -l <shown)" -gt 200 ] || wrong "$page is short"
    done
else
    echo "skipped: man and groff are not there"
fi
if command -v mandoc >/dev/null; then
    for page in fanmill.1 fanmill-job.5; do
        # A date would make every build another one.
        mandoc -Tlint -Wwarning "$page" | grep -v 'missing date' >stderr && wrong "mandoc finds mistakes in $page"
    done
else
    echo "skipped: mandoc is not there"
fi
finish
