//! The cells of one entity: a short list, found by a linear search.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::store::Value;

/// The greatest number a cell can hold: Redis' scripts count in doubles.
pub(crate) const MAX_NUMBER: u64 = 1 << 53;

/// The longest decimal text of a number up to [`MAX_NUMBER`].
const MAX_DIGITS: usize = 16;

/// A cell's value, in the one form it can have: text that is a canonical number is always a
/// `Number`, so equal values are equal in this type too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CellValue {
    /// Canonical decimal text up to [`MAX_NUMBER`], kept as what it says so that moving it
    /// allocates nothing.
    Number(u64),
    /// Any other text.
    Text(Arc<str>),
}

impl CellValue {
    /// The value as text.
    pub(crate) fn text(&self) -> Value {
        match self {
            Self::Number(number) => decimal(*number),
            Self::Text(text) => Arc::clone(text),
        }
    }
}

impl From<Value> for CellValue {
    fn from(text: Value) -> Self {
        match canonical_number(&text) {
            Some(number) => Self::Number(number),
            None => Self::Text(text),
        }
    }
}

/// The number, if `text` is one as a store writes it: digits without a leading zero, at most
/// [`MAX_NUMBER`].
fn canonical_number(text: &str) -> Option<u64> {
    let digits = text.as_bytes();
    let canonical = match digits {
        [] => false,
        [b'0', rest @ ..] => rest.is_empty(),
        _ => digits.len() <= MAX_DIGITS && digits.iter().all(u8::is_ascii_digit),
    };
    let number = canonical.then(|| digits.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')))?;
    (number <= MAX_NUMBER).then_some(number)
}

/// A number as text. Not `to_string`: a policy that reads a number pays for one allocation, not for
/// two.
fn decimal(mut number: u64) -> Value {
    let mut digits = [0_u8; 20];
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
        if number == 0 {
            break;
        }
    }
    Arc::from(std::str::from_utf8(&digits[start..]).unwrap_or_default())
}

/// One cell. Past its expiry it reads as absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) field: u32,
    /// In microseconds since 1970; `u64::MAX`: not known.
    pub(super) expires_us: u64,
    pub(super) value: CellValue,
}

/// The cells of one entity in one scope. One cell, which is what most policies need, takes no
/// allocation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Cells(SmallVec<[Cell; 1]>);

impl Cells {
    /// The value at `field`. `None`: there is no value, or it has expired.
    pub(crate) fn get(&self, field: u32, now_us: u64) -> Option<&CellValue> {
        self.0.iter().find(|cell| cell.field == field).filter(|cell| cell.expires_us > now_us).map(|cell| &cell.value)
    }

    /// Takes a value over as known. `expires_us` is `u64::MAX` where the expiry is not known.
    pub(crate) fn set(&mut self, field: u32, value: Option<CellValue>, expires_us: u64) {
        self.0.retain(|cell| cell.field != field);
        if let Some(value) = value {
            self.0.push(Cell { field, expires_us, value });
        }
    }

    /// Drops what has expired.
    pub(crate) fn prune(&mut self, now_us: u64) {
        self.0.retain(|cell| cell.expires_us > now_us);
    }

    /// Whether there is no cell at all, not even an expired one.
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// When the last of the cells expires, in microseconds since 1970; 0 where there is no cell.
    pub(crate) fn expires_us(&self) -> u64 {
        self.0.iter().map(|cell| cell.expires_us).max().unwrap_or(0)
    }

    pub(super) fn slot(&self, field: u32) -> Option<usize> {
        self.0.iter().position(|cell| cell.field == field)
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn cell(&self, slot: usize) -> &Cell {
        &self.0[slot]
    }

    /// Puts `cell` at `slot` and returns what was there; a slot one past the last is made, and then
    /// there was nothing.
    pub(super) fn replace(&mut self, slot: usize, cell: Cell) -> Option<Cell> {
        if let Some(place) = self.0.get_mut(slot) {
            return Some(std::mem::replace(place, cell));
        }
        self.0.push(cell);
        None
    }

    /// Undoes [`Self::replace`], given what it returned. A slot that it made is the last one,
    /// because changes are undone in reverse order.
    pub(super) fn restore(&mut self, slot: usize, before: Option<Cell>) {
        match before {
            Some(cell) => self.0[slot] = cell,
            None => self.0.truncate(slot),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_numbers_are_numbers_and_all_else_is_text() {
        for number in [0, 7, 10, 1_234_567_890_123_456, MAX_NUMBER - 1, MAX_NUMBER] {
            assert_eq!(CellValue::from(Value::from(number.to_string())), CellValue::Number(number));
            assert_eq!(&*CellValue::Number(number).text(), number.to_string());
        }
        for text in ["", "00", "007", "+1", "-1", "1 ", "1.0", "1e3", "9007199254740993", "18446744073709551616", "١"]
        {
            assert_eq!(CellValue::from(Value::from(text)), CellValue::Text(Arc::from(text)));
            assert_eq!(&*CellValue::from(Value::from(text)).text(), text);
        }
    }

    #[test]
    fn a_cell_is_absent_from_the_instant_it_expires() {
        let mut cells = Cells::default();
        cells.set(3, Some(CellValue::Number(5)), 100);
        assert_eq!(cells.get(3, 99), Some(&CellValue::Number(5)));
        assert_eq!(cells.get(3, 100), None);
        assert_eq!(cells.expires_us(), 100);
        cells.prune(100);
        assert!(cells.is_empty());
    }
}
