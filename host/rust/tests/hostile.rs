//! Values and keys that nobody would wish for, on a real Redis: a clear error or a correct
//! decision, never a trap, never a collision, and nothing left behind.

mod hostile {
    pub(crate) mod keys;
    pub(crate) mod leftovers;
    pub(crate) mod scene;
    pub(crate) mod values;
}
