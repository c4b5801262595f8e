// A keyboard-wedge card reader: it types a stripe as a keyboard would, Shift and all, faster than any person.

const SHIFTED = { "!": "1", "@": "2", "#": "3", "$": "4", "%": "5", "^": "6", "&": "7", "*": "8", "(": "9", ")": "0" };
const NAMED = {
  ";": ["Semicolon", 186, false], ":": ["Semicolon", 186, true],
  "=": ["Equal", 187, false], "+": ["Equal", 187, true],
  "/": ["Slash", 191, false], "?": ["Slash", 191, true],
  "-": ["Minus", 189, false], "_": ["Minus", 189, true],
  "`": ["Backquote", 192, false], "~": ["Backquote", 192, true],
  " ": ["Space", 32, false],
};

/** Types `text` into `page` through the browser's own input path, then Enter, as most readers are set up to. */
export async function typeStripe(page, text, { enter: ends = true } = {}) {
  const session = await page.context().newCDPSession(page);
  const sent = [];
  // All events are queued at once: a reader types a character every few milliseconds, whatever the browser is doing.
  const send = (type, key) => sent.push(session.send("Input.dispatchKeyEvent", { type, ...key }));
  for (const char of text) {
    const key = keyOf(char);
    const event = { key: char, code: key.code, windowsVirtualKeyCode: key.number, modifiers: key.shifted ? 8 : 0 };
    if (key.shifted) send("rawKeyDown", { key: "Shift", code: "ShiftLeft", windowsVirtualKeyCode: 16, modifiers: 8 });
    send("keyDown", { ...event, text: char, unmodifiedText: char });
    send("keyUp", event);
    if (key.shifted) send("keyUp", { key: "Shift", code: "ShiftLeft", windowsVirtualKeyCode: 16, modifiers: 0 });
  }
  if (ends) {
    const enter = { key: "Enter", code: "Enter", windowsVirtualKeyCode: 13 };
    send("keyDown", { ...enter, text: "\r", unmodifiedText: "\r" });
    send("keyUp", enter);
  }
  await Promise.all(sent);
  await session.detach();
}

/** The physical key of a US keyboard, which is what card readers pretend to be. */
function keyOf(char) {
  if (/[a-z]/i.test(char)) {
    return { code: `Key${char.toUpperCase()}`, number: char.toUpperCase().charCodeAt(0), shifted: char !== char.toLowerCase() };
  }
  if (/[0-9]/.test(char)) return { code: `Digit${char}`, number: char.charCodeAt(0), shifted: false };
  if (SHIFTED[char]) return { code: `Digit${SHIFTED[char]}`, number: SHIFTED[char].charCodeAt(0), shifted: true };
  const [code, number, shifted] = NAMED[char] ?? ["", 0, false];
  return { code, number, shifted };
}
