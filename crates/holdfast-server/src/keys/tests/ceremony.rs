//! A root that never comes near the server.

use super::*;
use crate::keys::ceremony::{CeremonyError, certify, install, read_request, request};
use holdfast_core::limits::SIGNER_LIFE_MS;

#[tokio::test]
async fn an_offline_root_certifies_a_signer_and_the_ones_before_are_destroyed() {
    let house = house().await;
    let safe = tempfile::tempdir().expect("another machine");
    make_root_files(safe.path()).expect("makes");
    // The server has the public halves only.
    std::fs::remove_file(house.folder.path().join("root.private.json")).expect("removes");
    std::fs::copy(safe.path().join("root.public.json"), house.folder.path().join("root.public.json")).expect("carries");
    let roots = Roots::from_json(&std::fs::read_to_string(safe.path().join("root.public.json")).expect("reads"));
    let roots = roots.expect("roots");

    let carried = request(&house.ledger, &house.local, NOW).await.expect("asks");
    let asked = read_request(&format!("{carried}\n")).expect("is rightly signed");
    let cert = certify(safe.path(), &asked, 90).expect("certifies");
    for later in [NOW - 1, NOW + SIGNER_LIFE_MS] {
        let refused = install(&house.ledger, &roots, &cert, later).await;
        assert!(matches!(refused, Err(CeremonyError::NotNow)), "{refused:?}");
    }
    let installed = install(&house.ledger, &roots, &cert, NOW + 1).await.expect("takes it");
    assert_eq!(installed.not_after_ms, NOW + SIGNER_LIFE_MS);
    let keyring = house.keyring(NOW + 2).await;
    let first = verified(house.folder.path(), &keyring, 0);
    assert_eq!(
        Unverified::<KeySet>::parse(&keyring.published().expect("a set").answer.keyset, "holdfast-keyset+jws")
            .expect("reads")
            .kid(),
        asked.kid
    );

    // The same certificate twice, one for nobody's request, one by a stranger's root, and requests that were changed.
    assert!(matches!(install(&house.ledger, &roots, &cert, NOW + 3).await, Err(CeremonyError::NotAwaited)));
    let again = read_request(&request(&house.ledger, &house.local, NOW + 4).await.expect("asks")).expect("reads");
    let stranger = tempfile::tempdir().expect("a folder");
    make_root_files(stranger.path()).expect("makes");
    let foreign = certify(stranger.path(), &again, 90).expect("certifies");
    assert!(matches!(install(&house.ledger, &roots, &foreign, NOW + 5).await, Err(CeremonyError::Certificate(_))));
    assert!(matches!(certify(safe.path(), &again, 0), Err(CeremonyError::Days)));
    for changed in [carried.replace('.', ""), format!("{carried}A"), cert.clone(), String::new()] {
        assert!(matches!(read_request(&changed), Err(CeremonyError::Request(_))), "{changed}");
    }

    let renewed = certify(safe.path(), &again, 30).expect("certifies");
    install(&house.ledger, &roots, &renewed, NOW + 6).await.expect("takes it");
    let signers = house.ledger.signers().await.expect("reads");
    let alive: Vec<&str> =
        signers.iter().filter(|signer| !signer.private.is_empty()).map(|signer| signer.kid.as_str()).collect();
    assert_eq!(alive, [again.kid.as_str()], "a shorter life is no reason to keep the older one");
    keyring.sweep(NOW + DAY_MS).await.expect("signs with the new one");
    verified(house.folder.path(), &keyring, first.version);
}
