//! Whether a group is one user's own: then its write permission gives nothing to anybody else.
//!
//! Many systems give each user a group of the same name and a umask of 0002, so that everything the user makes is writable
//! by that group. A runner that was started so has a `RUNNER_TEMP` of mode 0775 that is nevertheless its own.

use std::fs;

/// True when `gid` is this process's own group and the local user database knows no other member.
///
/// Users and groups that only a directory service knows cannot be looked at from here: then it is false.
pub(super) fn is_ours_alone(gid: u32) -> bool {
    let (uid, own) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    own == gid && alone(uid, gid, &read("/etc/passwd"), &read("/etc/group"))
}

/// passwd(5) and group(5): `name:password:uid:gid:…` and `name:password:gid:member,member`.
fn alone(uid: u32, gid: u32, passwd: &str, group: &str) -> bool {
    let users: Vec<(&str, u32, u32)> = passwd
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(':');
            let (name, _, uid, gid) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
            Some((name, uid.parse().ok()?, gid.parse().ok()?))
        })
        .collect();
    let groups: Vec<&str> = group
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(':').skip(2);
            let (number, members) = (fields.next()?, fields.next()?);
            (number.parse() == Ok(gid)).then_some(members)
        })
        .collect();
    let is_ours = |member: &str| users.iter().any(|(name, number, _)| *name == member && *number == uid);
    let has_it = |number: u32| users.iter().any(|(_, user, primary)| *primary == gid && *user == number);
    let others_have_it = users.iter().any(|(_, user, primary)| *primary == gid && *user != uid);
    let members = groups.iter().flat_map(|members| members.split(',')).map(str::trim).filter(|name| !name.is_empty());
    !groups.is_empty() && has_it(uid) && !others_have_it && members.into_iter().all(is_ours)
}

#[cfg(test)]
mod tests {
    use super::alone;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\nrunner:x:1001:1001::/home/runner:/bin/sh\n\
                          ann:x:1002:100::/home/ann:/bin/sh\nbob:x:1003:100::/home/bob:/bin/sh\n";
    const GROUP: &str = "root:x:0:\nusers:x:100:\nrunner:x:1001:runner\nci:x:1004:runner,ann\nann:x:1002:\n";

    #[test]
    fn a_users_own_group_is_nobody_elses() {
        assert!(alone(1001, 1001, PASSWD, GROUP));
        assert!(alone(0, 0, PASSWD, GROUP));
        assert!(!alone(1002, 100, PASSWD, GROUP), "bob has it too");
        assert!(!alone(1001, 1004, PASSWD, GROUP), "ann is a member");
        assert!(!alone(1001, 1001, PASSWD, &GROUP.replace("runner:x:1001:runner", "runner:x:1001:runner,ann")));
        assert!(!alone(1001, 1001, PASSWD, &format!("{GROUP}alias:x:1001:bob\n")), "the same number twice");
        assert!(!alone(1001, 1001, &format!("{PASSWD}eve:x:1009:1001::/:/bin/sh\n"), GROUP));
    }

    #[test]
    fn what_is_not_known_is_not_trusted() {
        assert!(!alone(4711, 4711, PASSWD, GROUP), "a container's made-up user");
        assert!(!alone(1001, 1001, "", GROUP));
        assert!(!alone(1001, 1001, PASSWD, ""));
        assert!(!alone(1001, 1001, "runner:x:1001\n", "runner:x\n"));
    }
}
