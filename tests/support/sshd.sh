# A real sshd of the test's own, and an ssh that trusts it. Sourced after service.sh.
SSHD=${FANMILL_SSHD:-$(command -v sshd || echo /usr/sbin/sshd)}
have_sshd() { [ -x "$SSHD" ] && command -v ssh >/dev/null && command -v ssh-keygen >/dev/null; }
# Keys and configuration of the client; $FANMILL_SSH.
ssh_prepare() {
    mkdir -m 700 "$WORK/ssh" "$WORK/home"
    mkdir -p /run/sshd 2>/dev/null
    ssh-keygen -q -t ed25519 -N '' -f "$WORK/ssh/host"
    ssh-keygen -q -t ed25519 -N '' -f "$WORK/ssh/user"
    cp "$WORK/ssh/user.pub" "$WORK/ssh/authorized"
    cat >"$WORK/ssh/config" <<CONFIG
IdentityFile $WORK/ssh/user
IdentitiesOnly yes
UserKnownHostsFile $WORK/ssh/known
StrictHostKeyChecking accept-new
LogLevel ERROR
CONFIG
    # What is asked of it is kept.
    printf '#!/bin/sh\nprintf "%%s\\n" "$@" >>%s/ssh/asked\nexec ssh -F %s/ssh/config "$@"\n' "$WORK" "$WORK" >"$WORK/ssh/ssh"
    export FANMILL_SSH="sh $WORK/ssh/ssh"
}
# The sockets of tunnels, on the other side.
no_tunnels() {
    local socket
    while read -r socket; do
        [ ! -e "$socket" ] || return 1
    done < <(sed -n 's|^\(/tmp/fanmill-[0-9a-f]*\):.*|\1|p' "$WORK/ssh/asked")
}
# begin_sshd NAME ADDRESS PORT [COMMAND...]: the command runs it, `ip netns exec X` for example.
begin_sshd() {
    local name=$1 address=$2 port=$3
    shift 3
    cat >"$WORK/ssh/$name.conf" <<CONFIG
Port $port
ListenAddress $address
HostKey $WORK/ssh/host
AuthorizedKeysFile $WORK/ssh/authorized
PidFile none
UsePAM no
StrictModes no
SetEnv HOME=$WORK/home XDG_CACHE_HOME=$WORK/home/cache FANMILL_TEST_MARK=$FANMILL_TEST_MARK
CONFIG
    begin "sshd-$name" "$@" "$SSHD" -D -e -f "$WORK/ssh/$name.conf"
}
