//! The cells of one entity, and the count of those that did not decode.

use alloc::string::{String, ToString};

use crate::kv::{Cell, Kv, MAX_LAG_MS, MAX_NUMBER};

/// How a value may be used: see [`Kv::get`] and [`Kv::observe`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// It steers: the commit holds only while it is true.
    Validated,
    /// It shapes the reply.
    Observed,
}

/// One transaction's access to the cells of an entity.
pub(crate) struct Cells<'w, K> {
    kv: &'w mut K,
    entity: u32,
    discarded: u32,
}

impl<'w, K: Kv> Cells<'w, K> {
    pub(crate) fn new(kv: &'w mut K, entity: u32) -> Self {
        Self { kv, entity, discarded: 0 }
    }

    /// Values that did not decode so far.
    pub(crate) fn discarded(&self) -> u32 {
        self.discarded
    }

    /// Reads and decodes a value; one that does not decode is counted and taken as absent.
    pub(crate) fn read<T>(
        &mut self,
        reading: Reading,
        field: u32,
        decode: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let at = Cell::shared(self.entity, field);
        let text: String = match reading {
            Reading::Validated => self.kv.get(at)?,
            Reading::Observed => self.kv.observe(at)?,
        };
        let value = decode(&text);
        self.discarded += u32::from(value.is_none());
        value
    }

    /// Reads a number that `advance` moves. What the store does not take for a number counts as
    /// absent here, too.
    pub(crate) fn read_number(&mut self, reading: Reading, field: u32) -> u64 {
        self.read(reading, field, decode_number).unwrap_or(0)
    }

    /// Replaces a value that is of use for `use_us` more microseconds.
    pub(crate) fn put(&mut self, field: u32, value: &str, use_us: u64) {
        self.kv.put(Cell::shared(self.entity, field), Some(value), ttl_ms(use_us));
    }

    /// Deletes a value.
    pub(crate) fn delete(&mut self, field: u32) {
        self.kv.put(Cell::shared(self.entity, field), None, 0);
    }

    /// See [`Kv::advance`]; the number is of use for `use_us` more microseconds.
    pub(crate) fn advance(&mut self, field: u32, step: u64, floor: u64, ceiling: u64, use_us: u64) -> Result<u64, u64> {
        self.kv.advance(Cell::shared(self.entity, field), step, floor, ceiling, ttl_ms(use_us))
    }

    /// The number in a local cell; 0 where there is no number. It may steer: nobody else writes it.
    pub(crate) fn local_number(&mut self, field: u32) -> u64 {
        match self.kv.advance(Cell::local(self.entity, field), 0, 0, MAX_NUMBER, 1) {
            Ok(number) | Err(number) => number,
        }
    }

    /// Replaces the number in a local cell.
    pub(crate) fn put_local(&mut self, field: u32, number: u64, ttl_ms: u64) {
        self.kv.put(Cell::local(self.entity, field), Some(&number.to_string()), ttl_ms);
    }

    /// Deletes a local cell.
    pub(crate) fn delete_local(&mut self, field: u32) {
        self.kv.put(Cell::local(self.entity, field), None, 0);
    }

    /// Moves the number in a local cell up to `ceiling`. `None`: it does not fit.
    pub(crate) fn advance_local(&mut self, field: u32, step: u64, ceiling: u64, ttl_ms: u64) -> Option<u64> {
        self.kv.advance(Cell::local(self.entity, field), step, 0, ceiling, ttl_ms).ok()
    }

    /// Moves the number in a local cell back, not below `floor`.
    pub(crate) fn retreat_local(&mut self, field: u32, step: u64, floor: u64) {
        self.kv.retreat(Cell::local(self.entity, field), step, floor);
    }

    /// See [`Kv::raise`]; the number is of use for `use_us` more microseconds.
    pub(crate) fn raise(&mut self, field: u32, to: u64, use_us: u64) -> u64 {
        self.kv.raise(Cell::shared(self.entity, field), to, ttl_ms(use_us))
    }

    /// See [`Kv::refused_ms`].
    pub(crate) fn refused_ms(&mut self) -> u32 {
        self.kv.refused_ms()
    }

    /// See [`Kv::retreat`].
    pub(crate) fn retreat(&mut self, field: u32, step: u64) -> u64 {
        self.kv.retreat(Cell::shared(self.entity, field), step, 0)
    }
}

/// A canonical decimal number that a store can hold.
fn decode_number(text: &str) -> Option<u64> {
    let canonical = text == "0" || !text.starts_with(['0', '+']);
    text.parse().ok().filter(|number| canonical && *number <= MAX_NUMBER)
}

/// How long to keep what is of use for `use_us`: a host may still decide at a time that far behind
/// the store's clock.
pub(crate) fn ttl_ms(use_us: u64) -> u64 {
    use_us.div_ceil(1_000) + MAX_LAG_MS
}
