//! The page's own door to the browser: keys, Intl, theme, address, print, install. Nothing else of the page names
//! `web_sys` or `js_sys`; stores and network are behind `holdfast-web`.

pub mod install;
pub mod intl;
pub mod keys;
pub mod page;
pub mod sound;
