//! Which tools an operator hands out.

use crate::catalogue;
use crate::profile::Profile;

fn names(profile: Profile) -> Vec<&'static str> {
    catalogue::all().filter(|one| profile.includes(one)).map(|one| one.name).collect()
}

#[test]
fn a_reader_gets_what_reads_and_nothing_else() {
    let all = catalogue::all().filter(|one| one.hints.read_only).map(|one| one.name);
    assert_eq!(names(Profile::Reader), all.collect::<Vec<_>>());
}

#[test]
fn each_profile_has_the_tools_of_the_one_below() {
    let steps = [Profile::Reader, Profile::Operator, Profile::Provisioner, Profile::Admin].map(names);
    for pair in steps.windows(2) {
        assert!(pair[0].iter().all(|one| pair[1].contains(one)) && pair[0].len() < pair[1].len());
    }
    assert_eq!(steps[3].len(), catalogue::all().count());
}

#[test]
fn the_default_is_what_reads_and_what_the_reference_promised() {
    let default = names(Profile::Default);
    assert!(catalogue::all().all(|one| default.contains(&one.name) == (one.promised || one.hints.read_only)));
}
