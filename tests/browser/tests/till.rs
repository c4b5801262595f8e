//! The device's stores, sealing and upload in a real browser: Chromium, Firefox and WebKitGTK run the same tests.
#![cfg(target_arch = "wasm32")]

mod till {
    mod conformance;
    mod database;
    mod epoch;
    mod faults;
    mod online;
    mod policy;
    mod prepared;
    mod recovery;
    mod sealing;
    mod staff;
    mod standing;
    mod trust;
    mod upload;
    mod voids;
}

wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
