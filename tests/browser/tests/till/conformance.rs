//! IndexedDB and the journal do what every store of a device must do.

use holdfast_browser_tests::device::fresh_names;
use holdfast_browser_tests::store::BrowserStore;
use holdfast_testkit::conformance;
use holdfast_web::journal::Journal;
use holdfast_web::money::Money;
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen_test]
async fn the_browsers_stores_conform() {
    let cases = conformance::all(async |_| {
        let names = fresh_names();
        BrowserStore {
            money: Money::at(&names.money, names.money_version),
            journal: Journal::writable(&names.journal, names.journal_worker.as_deref().unwrap_or_default()),
        }
    });
    assert!(cases.await >= 11);
}
