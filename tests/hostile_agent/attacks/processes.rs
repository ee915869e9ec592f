//! Attacks by processes: to outlive the run, to end others, to go on for ever.

use crate::hostile_agent::row::{Attack, Ends, Held};

const fn attack(name: &'static str, tries: &'static str, does: &'static str) -> Attack {
    Attack::new(name, tries, does, "")
}

pub const ATTACKS: &[Attack] = &[
    attack("daemon", "leave a daemon in a session of its own", "setsid sleep $FOREVER >/dev/null 2>&1 </dev/null &").held(Held::Always),
    attack("daemon-twice", "daemonise twice", "(setsid sh -c '(setsid sleep $FOREVER &)' >/dev/null 2>&1 </dev/null &)").held(Held::Always),
    attack("daemon-nameless", "daemonise without any sign of where it comes from", "cd /; (setsid env -i setsid sh -c '(env -i sleep $FOREVER &)' >/dev/null 2>&1 </dev/null &)").wild(),
    attack("holds-output", "leave a process that holds its output open", "sleep $FOREVER & sleep 0.1").held(Held::Always),
    attack("forks", "fork fast, three hundred times, deeper and deeper", "fork() { [ $1 -gt 0 ] || exec sleep $FOREVER; fork $(($1 - 1)) & fork $(($1 - 1)) & wait; }; fork 7 >/dev/null 2>&1 & sleep 0.5").held(Held::Always),
    attack("heirs", "leave a process that starts another one whenever it is told to end", "cat >/tmp/heir-$ME <<'END'\ntrap 'sh \"$0\" &' TERM INT HUP\nwhile :; do sleep 0.05; done\nEND\nsetsid sh /tmp/heir-$ME >/dev/null 2>&1 </dev/null & sleep 0.2").wild(),
    attack("kill-parent", "kill the process that started it, its siblings and the person's processes", "for pid in $PARENT $VICTIM; do kill -9 $pid; kill -STOP $pid; done; kill -9 0 -$PARENT; true")
        .harm("! kill -0 $VICTIM || grep -q '^State:.T' /proc/$VICTIM/status").ends(Ends::Somehow).wild(),
    attack("kill-all", "kill every process that it can", "kill -STOP -1; kill -9 -1").harm("! kill -0 $VICTIM").ends(Ends::Somehow).wild(),
    attack("listens", "listen on a port and die", "(perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(Listen => 1, LocalAddr => \"127.0.0.1\"); print $s->sockport, \"\\n\"; $| = 1; sleep $FOREVER' >port &); sleep 0.3")
        .harm("port=$(git show flow/demo/$ME:port) && perl -MIO::Socket::INET -e 'exit !IO::Socket::INET->new(PeerAddr => \"127.0.0.1:$ARGV[0]\")' $port").held(Held::Always),
    attack("schedules", "have itself started again later", "echo '* * * * * touch $ROOT/ran/schedules' | crontab -; echo \"$CANARY\" | at now; echo \"$CANARY\" | batch; systemd-run --user touch $ROOT/ran/$ME; true")
        .harm("test -e $ROOT/ran/$ME || crontab -l 2>/dev/null | grep schedules").wild(),
];

/// Those that take long.
pub const HEAVY: &[Attack] = &[
    attack(
        "floods",
        "print 40 MB without a line's end, to both pipes",
        "head -c 20000000 /dev/zero >&2 & head -c 20000000 /dev/zero; wait; echo",
    )
    .held(Held::Always),
    attack("lines", "print 100,000 lines", "seq 100000").held(Held::Always),
];

/// Those that never end by themselves, in a run with short clocks.
pub const ENDLESS: &[Attack] = &[
    attack("sleeps", "sleep for ever, quietly", "sleep $FOREVER")
        .held(Held::Always)
        .ends(Ends::With("agent failed"))
        .told("it said nothing for"),
    attack(
        "deaf",
        "ignore TERM, and talk for ever",
        "trap '' TERM INT HUP; while :; do echo still; sleep 0.2; done",
    )
    .held(Held::Always)
    .ends(Ends::With("agent failed"))
    .told("it took longer than"),
    attack("stopped", "stop itself", "kill -STOP $$")
        .held(Held::Always)
        .ends(Ends::With("agent failed"))
        .told("it said nothing for"),
    attack("closes-output", "close its output, and go on", "exec >/dev/null 2>&1; sleep $FOREVER")
        .held(Held::Always)
        .ends(Ends::With("agent failed"))
        .told("it said nothing for"),
];
