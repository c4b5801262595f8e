//! A quiet tone for what a card came to, for a seller who looks at the customer. Made by the browser, no file; off until it is
//! turned on in the settings.

use super::page;
use crate::state::outcome::Said;
use std::cell::OnceCell;
use wasm_bindgen::JsValue;
use web_sys::{AudioContext, OscillatorType};

/// Of full scale. A tone at the counter is heard by one, not by the shop.
const LOUDNESS: f32 = 0.08;
/// An exponential ramp cannot reach 0.
const SILENCE: f32 = 0.0001;
const ATTACK_S: f64 = 0.02;
const NOTE_S: f64 = 0.22;
const BETWEEN_S: f64 = 0.12;

thread_local! {
    /// One for the life of the page: browsers limit how many there may be.
    static CONTEXT: OnceCell<AudioContext> = const { OnceCell::new() };
}

/// Sounds an outcome: up for paid, level for stored, down for what needs a person. Where less is wanted, the last note alone.
pub fn play(said: &Said) {
    let notes = match said {
        Said::Approved => [659.3, 880.0],
        Said::Stored { .. } => [587.3, 587.3],
        Said::Declined { .. } | Said::Expired | Said::Quarantined | Said::NotStored(_) | Said::Unsure => [392.0, 293.7],
    };
    let notes = if page::wants_calm() { &notes[1..] } else { &notes[..] };
    // A browser without sound, or one that wants a tap first: the screen has said it all.
    let _ = sound(notes);
}

fn sound(notes: &[f32]) -> Result<(), JsValue> {
    let context = CONTEXT.with(|kept| match kept.get() {
        Some(context) => Ok(context.clone()),
        None => AudioContext::new().map(|context| kept.get_or_init(|| context).clone()),
    })?;
    // It may sleep since the page was in the background.
    let _ = context.resume()?;
    let mut at_s = context.current_time() + ATTACK_S;
    for hertz in notes {
        note(&context, *hertz, at_s)?;
        at_s += BETWEEN_S;
    }
    Ok(())
}

fn note(context: &AudioContext, hertz: f32, at_s: f64) -> Result<(), JsValue> {
    let (tone, volume) = (context.create_oscillator()?, context.create_gain()?);
    tone.set_type(OscillatorType::Sine);
    tone.frequency().set_value(hertz);
    let gain = volume.gain();
    gain.set_value_at_time(SILENCE, at_s)?;
    gain.exponential_ramp_to_value_at_time(LOUDNESS, at_s + ATTACK_S)?;
    gain.exponential_ramp_to_value_at_time(SILENCE, at_s + NOTE_S)?;
    tone.connect_with_audio_node(&volume)?;
    volume.connect_with_audio_node(&context.destination())?;
    tone.start_with_when(at_s)?;
    tone.stop_with_when(at_s + NOTE_S)
}
