//! Packed decimal: two digits a byte. Track data uses the nibble `D` for its separator.

use crate::dialect::Filler;

/// Packs digits and `=`; `None` when there is anything else. An odd count takes a filler nibble: a leading 0 or a trailing F.
pub fn pack(text: &[u8], filler: Filler, out: &mut Vec<u8>) -> Option<()> {
    let nibble = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'=' => Some(0xD),
        _ => None,
    };
    let mut rest = text;
    if text.len() % 2 == 1
        && filler == Filler::Left
        && let [first, more @ ..] = text
    {
        out.push(nibble(*first)?);
        rest = more;
    }
    for pair in rest.chunks(2) {
        match pair {
            [high, low] => out.push(nibble(*high)? << 4 | nibble(*low)?),
            [last] => out.push(nibble(*last)? << 4 | 0xF),
            _ => {}
        }
    }
    Some(())
}

/// Bytes that `digits` digits take.
pub fn packed_len(digits: usize) -> usize {
    digits.div_ceil(2)
}

/// Unpacks `digits` digits. A filler nibble is skipped unseen: hosts differ in what they put there.
pub fn unpack(bytes: &[u8], digits: usize, filler: Filler, out: &mut Vec<u8>) -> Option<()> {
    let skip = usize::from(digits % 2 == 1 && filler == Filler::Left);
    for at in skip..skip + digits {
        let byte = bytes.get(at / 2)?;
        let nibble = if at % 2 == 0 { byte >> 4 } else { byte & 0xF };
        out.push(match nibble {
            0..=9 => b'0' + nibble,
            0xD => b'=',
            _ => return None,
        });
    }
    Some(())
}
