//! An instance's memory, as values lie in it by the Canonical ABI. Nothing here trusts the module:
//! whatever lies outside its memory or is no value of its type is an error, as a trap is.

use wasmtime::{AsContextMut, Caller, Memory, StoreContextMut};

use super::super::HostState;

/// The memory of the instance that calls.
pub(super) fn of(caller: &Caller<'_, HostState>) -> wasmtime::Result<Memory> {
    caller.data().memory.ok_or_else(|| wasmtime::Error::msg("the policy component calls before it is linked"))
}

/// The error of a value that is none of its type.
#[cold]
pub(super) fn malformed() -> wasmtime::Error {
    wasmtime::Error::msg("the policy component gave a value that is not of the contract")
}

/// The bytes of a value of this size.
#[inline]
pub(super) fn sized<const SIZE: usize>(bytes: &[u8]) -> wasmtime::Result<&[u8; SIZE]> {
    bytes.first_chunk().ok_or_else(malformed)
}

/// The bytes at an address.
#[inline]
pub(super) fn area<const SIZE: usize>(memory: &[u8], at: i32) -> wasmtime::Result<&[u8; SIZE]> {
    sized(memory.get(at.cast_unsigned() as usize..).ok_or_else(malformed)?)
}

/// # Panics
/// If the number does not lie in `bytes`.
#[inline]
pub(super) fn u32_at(bytes: &[u8], offset: usize) -> u32 {
    u32::from_le_bytes(*bytes[offset..].first_chunk().expect("the value is as large as its type"))
}

/// # Panics
/// If the number does not lie in `bytes`.
#[inline]
pub(super) fn u64_at(bytes: &[u8], offset: usize) -> u64 {
    u64::from_le_bytes(*bytes[offset..].first_chunk().expect("the value is as large as its type"))
}

/// # Panics
/// If there is no such byte.
#[inline]
pub(super) fn bool_at(bytes: &[u8], offset: usize) -> wasmtime::Result<bool> {
    match bytes[offset] {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(malformed()),
    }
}

/// The text whose address and length lie at an offset of `bytes`.
pub(super) fn text_at<'memory>(memory: &'memory [u8], bytes: &[u8], offset: usize) -> wasmtime::Result<&'memory str> {
    text(memory, u32_at(bytes, offset).into(), u32_at(bytes, offset + 4).into())
}

/// The text at an address.
pub(super) fn text(memory: &[u8], at: u64, len: u64) -> wasmtime::Result<&str> {
    std::str::from_utf8(span(memory, at, len)?).map_err(|_| malformed())
}

/// The elements of the list whose address and length lie at an offset of `bytes`.
pub(super) fn elements<'memory>(
    memory: &'memory [u8],
    bytes: &[u8],
    offset: usize,
    size: usize,
) -> wasmtime::Result<impl Iterator<Item = &'memory [u8]>> {
    let len = u64::from(u32_at(bytes, offset + 4)) * size as u64;
    Ok(span(memory, u32_at(bytes, offset).into(), len)?.chunks_exact(size))
}

fn span(memory: &[u8], at: u64, len: u64) -> wasmtime::Result<&[u8]> {
    let start = offset(at);
    let end = usize::try_from(len).ok().and_then(|len| start.checked_add(len)).ok_or_else(malformed)?;
    memory.get(start..end).ok_or_else(malformed)
}

/// A core number of 32 bits.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "it is one")]
pub(super) fn low(number: u64) -> u32 {
    number as u32
}

/// The number of a case.
#[inline]
pub(super) fn tag(number: u64) -> wasmtime::Result<u8> {
    u8::try_from(number).map_err(|_| malformed())
}

/// An address as an index.
#[inline]
pub(super) fn offset(address: u64) -> usize {
    low(address) as usize
}

/// An index as an address.
#[inline]
pub(super) fn address(offset: usize) -> u64 {
    offset as u64
}

/// Drops a policy that the instance itself has no more use for.
#[cold]
pub(super) fn drop_own(mut caller: Caller<'_, HostState>, destructor: &str, handle: i32) -> wasmtime::Result<()> {
    let Some(destructor) = caller.get_export(destructor).and_then(wasmtime::Extern::into_func) else { return Ok(()) };
    destructor.typed::<(i32,), ()>(&caller)?.call(&mut caller, (handle,))
}

/// Writes values into an instance's memory.
pub(super) struct Lowering<'store> {
    store: StoreContextMut<'store, HostState>,
    memory: Memory,
}

impl<'store> Lowering<'store> {
    pub(super) fn new(store: &'store mut impl AsContextMut<Data = HostState>, memory: Memory) -> Self {
        Self { store: store.as_context_mut(), memory }
    }

    #[inline]
    pub(super) fn u8(&mut self, at: usize, value: u8) -> wasmtime::Result<()> {
        self.bytes(at, &[value])
    }

    #[inline]
    pub(super) fn u32(&mut self, at: usize, value: u32) -> wasmtime::Result<()> {
        self.bytes(at, &value.to_le_bytes())
    }

    #[inline]
    pub(super) fn u64(&mut self, at: usize, value: u64) -> wasmtime::Result<()> {
        self.bytes(at, &value.to_le_bytes())
    }

    #[inline]
    fn bytes(&mut self, at: usize, bytes: &[u8]) -> wasmtime::Result<()> {
        let memory = self.memory.data_mut(&mut self.store);
        let place = at.checked_add(bytes.len()).and_then(|end| memory.get_mut(at..end)).ok_or_else(malformed)?;
        place.copy_from_slice(bytes);
        Ok(())
    }

    /// Room for this many bytes, which the instance gives and frees.
    pub(super) fn space(&mut self, size: usize, align: usize) -> wasmtime::Result<usize> {
        if size == 0 {
            return Ok(align);
        }
        let (size, align) = (i32::try_from(size).map_err(|_| malformed())?, i32::try_from(align).unwrap_or_default());
        // Taken out for the call: cloned, it would be counted each time.
        let Some(realloc) = self.store.data_mut().realloc.take() else { return Err(malformed()) };
        let at = realloc.call(&mut self.store, (0, 0, align, size))?;
        self.store.data_mut().realloc = Some(realloc);
        Ok(at.cast_unsigned() as usize)
    }

    /// Room for a list, whose address and length go to `at`.
    pub(super) fn list(&mut self, at: usize, len: usize, size: usize, align: usize) -> wasmtime::Result<usize> {
        let [start, len] = self.flat_list(len, size, align)?;
        self.u32(at, low(start))?;
        self.u32(at + 4, low(len))?;
        Ok(offset(start))
    }

    /// A text, whose address and length go to `at`.
    pub(super) fn text(&mut self, at: usize, text: &str) -> wasmtime::Result<()> {
        let [start, len] = self.flat_text(text)?;
        self.u32(at, low(start))?;
        self.u32(at + 4, low(len))
    }

    /// Room for a list: its address and length.
    pub(super) fn flat_list(&mut self, len: usize, size: usize, align: usize) -> wasmtime::Result<[u64; 2]> {
        let bytes = len.checked_mul(size).ok_or_else(malformed)?;
        Ok([address(self.space(bytes, align)?), len as u64])
    }

    /// A text: its address and length.
    pub(super) fn flat_text(&mut self, text: &str) -> wasmtime::Result<[u64; 2]> {
        let at = self.space(text.len(), 1)?;
        self.bytes(at, text.as_bytes())?;
        Ok([address(at), text.len() as u64])
    }
}
