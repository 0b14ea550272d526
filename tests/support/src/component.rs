//! Components for tests.

/// The component with an empty module more, which does nothing and gives its inside another shape:
/// none that a host links by itself.
pub fn with_other_inside(component: &[u8]) -> Vec<u8> {
    const EMPTY_MODULE: [u8; 10] = *b"\x01\x08\0asm\x01\0\0\0";
    [component, &EMPTY_MODULE].concat()
}
