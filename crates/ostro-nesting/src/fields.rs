//! Steps over the fields of an encoded message.

/// A field of an encoded message: its number, all of its bytes, and its body where it has a length.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field<'a> {
    pub number: u32,
    /// With key and length.
    pub whole: &'a [u8],
    pub body: Option<&'a [u8]>,
}

/// The fields of `bytes`; ends early where they are malformed, which is for the decoder to say.
pub(crate) fn fields(bytes: &[u8]) -> Fields<'_> {
    Fields { rest: bytes }
}

pub(crate) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// What was not stepped over: nothing, unless it is malformed.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        let mut after = self.rest;
        let key = varint(&mut after)?;
        let body = match key & 7 {
            0 => varint(&mut after).map(|_| None)?,
            1 => take(&mut after, 8).map(|_| None)?,
            2 => {
                let length = usize::try_from(varint(&mut after)?).ok()?;
                Some(take(&mut after, length)?)
            }
            5 => take(&mut after, 4).map(|_| None)?,
            // Groups are not of this protocol.
            _ => return None,
        };
        let whole = &self.rest[..self.rest.len() - after.len()];
        self.rest = after;
        Some(Field { number: u32::try_from(key >> 3).ok()?, whole, body })
    }
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if *byte < 0x80 {
            return Some(value);
        }
    }
    None
}

/// Appends the field `number` with `body`.
pub(crate) fn write(number: u32, body: &[u8], into: &mut Vec<u8>) {
    write_varint(u64::from(number) << 3 | 2, into);
    write_varint(body.len() as u64, into);
    into.extend_from_slice(body);
}

fn write_varint(mut value: u64, into: &mut Vec<u8>) {
    while value >= 0x80 {
        into.push(value as u8 | 0x80);
        value >>= 7;
    }
    into.push(value as u8);
}
