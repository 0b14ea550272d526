//! How a target reads its input: bytes that choose what happens. [`Output`] writes what [`Input`]
//! reads.

/// Bytes to choose by. It never fails: past the end every number is 0 and every text is empty.
#[derive(Debug, Clone)]
pub struct Input<'a>(&'a [u8]);

/// Numbers up to this are one byte; above it the first byte says how many follow.
const MAX_PER_BYTE: u8 = 247;

impl<'a> Input<'a> {
    /// Reads from the start.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One byte.
    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    /// Yes or no.
    pub fn flip(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    /// One of several.
    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::from(self.byte()) % of.len()]
    }

    /// A number of any size.
    pub fn number(&mut self) -> u64 {
        let first = self.byte();
        match first.checked_sub(MAX_PER_BYTE + 1) {
            None => first.into(),
            Some(more) => (0..=more).fold(0, |number, place| number | u64::from(self.byte()) << (8 * place)),
        }
    }

    /// A number below 2^32; a greater one counts as the greatest.
    pub fn small(&mut self) -> u32 {
        u32::try_from(self.number()).unwrap_or(u32::MAX)
    }

    /// A number or none.
    pub fn maybe(&mut self) -> Option<u64> {
        self.number().checked_sub(1)
    }

    /// A length, an index.
    pub fn index(&mut self) -> usize {
        usize::try_from(self.number()).unwrap_or(usize::MAX)
    }

    /// Some bytes.
    pub fn bytes(&mut self) -> &'a [u8] {
        let length = self.index().min(self.0.len());
        let (bytes, rest) = self.0.split_at(length);
        self.0 = rest;
        bytes
    }

    /// A text; what is not UTF-8 is replaced.
    pub fn text(&mut self) -> String {
        String::from_utf8_lossy(self.bytes()).into_owned()
    }

    /// All that is left.
    pub fn rest(self) -> &'a [u8] {
        self.0
    }
}

/// Writes an input, for seeds.
#[derive(Debug, Clone, Default)]
pub struct Output(Vec<u8>);

impl Output {
    /// A choice.
    pub fn byte(&mut self, byte: u8) -> &mut Self {
        self.0.push(byte);
        self
    }

    /// A number.
    pub fn number(&mut self, number: u64) -> &mut Self {
        match u8::try_from(number) {
            Ok(small) if small <= MAX_PER_BYTE => self.0.push(small),
            _ => {
                let width = (64 - number.leading_zeros()).div_ceil(8) as usize;
                self.0.push(MAX_PER_BYTE + u8::try_from(width).unwrap_or(8));
                self.0.extend(&number.to_le_bytes()[..width]);
            }
        }
        self
    }

    /// A number or none.
    pub fn maybe(&mut self, number: Option<u64>) -> &mut Self {
        self.number(number.map_or(0, |number| number.saturating_add(1)))
    }

    /// A text.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.number(text.len() as u64);
        self.rest(text.as_bytes())
    }

    /// Bytes that reach to the end, or whose length is known.
    pub fn rest(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend(bytes);
        self
    }

    /// The input.
    pub fn end(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.0)
    }
}
