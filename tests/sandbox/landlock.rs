//! What only Landlock has to be asked: processes and files are visible there that a namespace would hide.

use super::Held;

#[test]
fn nobody_outside_is_reached_by_signals_or_traced() {
    let held = Held::new(
        "landlock",
        r#"guardian=$PPID
parent=$(sed -n 's/^PPid:\t//p' /proc/$guardian/status)
for pid in $guardian $parent; do
  for signal in 0 TERM STOP; do kill -$signal $pid 2>/dev/null && echo "$signal $pid" >>reached.txt; done
  for file in environ maps mem; do cat /proc/$pid/$file >>reached.txt 2>/dev/null; done
  for link in exe cwd root fd/0 fd/1; do readlink /proc/$pid/$link >>reached.txt; done
done
echo made >made.txt"#,
        "",
    );
    held.run().ok();
    assert_eq!((held.made("reached.txt"), held.made("made.txt")), (String::new(), "made\n".into()));
}

#[test]
fn what_it_cannot_hold_is_said() {
    let held = Held::new("landlock", "echo made >made.txt", "");
    held.run().ok().says("not held: the names of hidden files");
}
