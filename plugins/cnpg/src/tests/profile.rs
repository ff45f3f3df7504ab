//! Which tools an operator hands out.

use crate::catalogue;
use crate::fake::{Fake, status};
use crate::offering::{listed, served, withheld};
use crate::profile::{Level, Profile};

fn names(profile: Profile) -> Vec<&'static str> {
    catalogue::all().filter(|one| profile.includes(one)).map(|one| one.name).collect()
}

#[test]
fn a_reader_gets_what_reads_and_nothing_else() {
    let all = catalogue::all().filter(|one| one.level == Level::Read).map(|one| one.name);
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
    assert!(catalogue::all().all(|one| default.contains(&one.name) == (one.promised || one.level == Level::Read)));
    assert!(catalogue::all().all(|one| one.level != Level::Read || one.hints.read_only));
}

#[test]
fn what_the_profile_leaves_out_says_who_could_hand_it_out() {
    let mut reasons = Vec::new();
    let tools = listed(Profile::Reader, None, |name, reason| reasons.push((name.to_owned(), reason.to_owned())));
    assert!(tools.iter().all(|one| one.hints.read_only) && tools.len() + reasons.len() == catalogue::all().count());
    let (_, reason) = reasons.iter().find(|(name, _)| name == "scale_postgres_cluster").unwrap();
    assert!(reason.contains("`operator`"), "{reason}");
}

#[test]
fn tools_of_a_kind_that_the_server_lacks_are_withheld_and_say_which() {
    let old = Fake::new().without(&["backups"]);
    let served = served(&old);
    let of = |name: &str| withheld(catalogue::find(name).unwrap(), Profile::Admin, served.as_ref());
    assert!(of("list_backups").unwrap().contains("backups.postgresql.cnpg.io"));
    assert_eq!((of("list_postgres_clusters"), of("scale_postgres_cluster")), (None, None));
}

#[test]
fn without_cloudnativepg_only_the_way_in_is_listed_and_without_an_answer_everything() {
    let absent = Fake::new().failing("discover", "*", 1, status(404, "NotFound", "404 page not found"));
    let count = |fake: &Fake| {
        let served = served(fake);
        listed(Profile::Admin, served.as_ref(), |_, _| ()).len()
    };
    assert!((1..=2).contains(&count(&absent)), "the ways in stay");
    let down = Fake::new().failing("discover", "*", 1, status(0, "Unreachable", "connection refused"));
    assert_eq!(count(&down), catalogue::all().count());
}
