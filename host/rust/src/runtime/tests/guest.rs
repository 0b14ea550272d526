//! Small components made for a test: the world of `wit/`, with core functions written in text. A
//! function that the text leaves out traps.

use std::fmt::Write;
use std::path::Path;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::abi::{AbiVariant, WasmType};
use wit_parser::{Function, Resolve, WorldId, WorldItem, WorldKey};

/// What a limiter of [`POLICY`] does is told by the first limit of its configuration.
pub(super) const DECIDES: u32 = 1;
pub(super) const LOOPS: u32 = 2;
pub(super) const GROWS: u32 = 3;
pub(super) const WRITES_AND_TRAPS: u32 = 4;
pub(super) const WRITES_AND_TRAPS_AT_ITS_SECOND_CALL: u32 = 5;
pub(super) const WRITES_TEXT: u32 = 6;
pub(super) const STRAYS: u32 = 7;
pub(super) const TRAPS_WHEN_OPENED: u32 = 8;
pub(super) const COUNTS_RESOURCES: u32 = 9;
pub(super) const ANSWERS_NO_VERDICT: u32 = 11;
pub(super) const ANSWERS_BEYOND_ITS_MEMORY: u32 = 12;
pub(super) const IS_REFUSED: u32 = 1_000;

/// A policy that obeys the constants above. Its decision reports the time and what `advance`
/// answered.
pub(super) const POLICY: &str = include_str!("policy.wat");

/// A component of the world whose core module holds `text`.
pub(super) fn component(text: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("wit");
    let (package, _) = resolve.push_dir(wit).expect("the contract parses");
    let world = resolve.select_world(&[package], Some("tidegate")).expect("the world is there");
    encode(&resolve, world, &format!("(module {text} {})", missing_exports(&resolve, world, text)))
}

/// A component of a world of its own, which imports or exports what `wit` says.
pub(super) fn stranger(wit: &str, text: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("stranger.wit", wit).expect("the world parses");
    let world = resolve.select_world(&[package], None).expect("there is one world");
    encode(&resolve, world, &format!("(module {text})"))
}

fn encode(resolve: &Resolve, world: WorldId, text: &str) -> Vec<u8> {
    let mut module = wat::parse_str(text).expect("the core module parses");
    embed_component_metadata(&mut module, resolve, world, StringEncoding::UTF8).expect("the world is embedded");
    let encoder = ComponentEncoder::default().module(&module).expect("the core module is of the world");
    encoder.validate(true).encode().expect("the component is made")
}

/// Traps for all exports of the world that `text` does not define.
fn missing_exports(resolve: &Resolve, world: WorldId, text: &str) -> String {
    let mut missing = String::new();
    for (key, item) in &resolve.worlds[world].exports {
        let WorldItem::Interface { id, .. } = item else { continue };
        for function in resolve.interfaces[*id].functions.values() {
            let name = export_name(resolve, key, function);
            if !text.contains(&format!("\"{name}\"")) {
                writeln!(missing, "(func (export \"{name}\") {} unreachable)", signature(resolve, function))
                    .expect("grows");
            }
        }
    }
    missing
}

fn export_name(resolve: &Resolve, key: &WorldKey, function: &Function) -> String {
    format!("{}#{}", resolve.name_world_key(key), function.name)
}

fn signature(resolve: &Resolve, function: &Function) -> String {
    let signature = resolve.wasm_signature(AbiVariant::GuestExport, function);
    let list = |types: &[WasmType]| types.iter().map(|ty| core_type(*ty)).collect::<Vec<_>>().join(" ");
    format!("(param {}) (result {})", list(&signature.params), list(&signature.results))
}

fn core_type(ty: WasmType) -> &'static str {
    match ty {
        WasmType::I64 | WasmType::PointerOrI64 => "i64",
        WasmType::F32 => "f32",
        WasmType::F64 => "f64",
        WasmType::I32 | WasmType::Pointer | WasmType::Length => "i32",
    }
}
