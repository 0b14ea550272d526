//! Values as the arguments of core functions: each number in 64 bits of `flat`, whatever its type.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use wit_parser::abi::{FlatTypes, WasmType};
use wit_parser::{Type, TypeDefKind, TypeId};

use super::Contract;
use super::types::ident;

/// The most numbers that a function takes.
const MAX_FLAT: usize = 16;

impl Contract {
    /// How many numbers a value is.
    pub(super) fn flat_len(&self, ty: &Type) -> Result<usize, String> {
        let mut storage = [WasmType::I32; MAX_FLAT];
        let mut flat = FlatTypes::new(&mut storage);
        let fits = self.resolve.push_flat(ty, &mut flat);
        if fits { Ok(flat.to_vec().len()) } else { Err(format!("a value is more than {MAX_FLAT} numbers")) }
    }

    /// Statements that put what the expression `value` refers to into `flat` from `index` on.
    pub(super) fn flatten(&self, ty: &Type, value: &TokenStream, index: usize) -> Result<TokenStream, String> {
        let next = index + 1;
        Ok(match ty {
            Type::Bool | Type::U32 => quote!(flat[#index] = u64::from(*(#value));),
            Type::S32 => quote!(flat[#index] = u64::from((#value).cast_unsigned());),
            Type::U64 => quote!(flat[#index] = *(#value);),
            Type::F64 => quote!(flat[#index] = (#value).to_bits();),
            Type::String => quote!([flat[#index], flat[#next]] = into.flat_text(#value)?;),
            Type::Id(id) => self.flatten_of(self.original(*id), value, index)?,
            other => return Err(format!("the glue passes no {other:?}")),
        })
    }

    fn flatten_of(&self, id: TypeId, value: &TokenStream, index: usize) -> Result<TokenStream, String> {
        let next = index + 1;
        let tag = self.named(id).map(|name| format_ident!("tag_{name}"));
        Ok(match &self.resolve.types[id].kind {
            TypeDefKind::Record(record) => {
                let (mut puts, mut index) = (TokenStream::new(), index);
                for field in &record.fields {
                    let name = ident(&field.name);
                    puts.extend(self.flatten(&field.ty, &quote!(&(#value).#name), index)?);
                    index += self.flat_len(&field.ty)?;
                }
                puts
            }
            TypeDefKind::Enum(_) => quote!(flat[#index] = u64::from(#tag(#value));),
            TypeDefKind::Variant(_) => {
                let payload = self.by_case(id, |ty| self.flatten(ty, &quote!(value), next))?;
                quote!(flat[#index] = u64::from(#tag(#value)); match #value { #payload })
            }
            TypeDefKind::Option(some) => {
                let some = self.flatten(some, &quote!(value), next)?;
                quote!(if let Some(value) = #value { flat[#index] = 1; #some })
            }
            TypeDefKind::List(element) => {
                let (size, align) = (self.size(element), self.align(element));
                let element = self.lower(element, &quote!(value), 0)?;
                quote! {
                    let list = #value;
                    [flat[#index], flat[#next]] = into.flat_list(list.len(), #size, #align)?;
                    let start = memory::offset(flat[#index]);
                    for (number, value) in list.iter().enumerate() {
                        let at = start + number * #size;
                        #element
                    }
                }
            }
            other => return Err(format!("the glue passes no {}", other.as_str())),
        })
    }

    /// An expression that makes a value of `flat` from `index` on, where `m` is the memory.
    pub(super) fn unflatten(&self, ty: &Type, index: usize) -> Result<TokenStream, String> {
        let next = index + 1;
        Ok(match ty {
            Type::U32 => quote!(memory::low(flat[#index])),
            Type::U64 => quote!(flat[#index]),
            Type::String => quote!(memory::text(m, flat[#index], flat[#next])?.into()),
            Type::Id(id) => self.unflatten_of(self.original(*id), index)?,
            other => return Err(format!("the glue takes no {other:?}")),
        })
    }

    fn unflatten_of(&self, id: TypeId, index: usize) -> Result<TokenStream, String> {
        Ok(match &self.resolve.types[id].kind {
            TypeDefKind::Record(record) => {
                let (path, mut fields, mut index) = (self.path(id)?, TokenStream::new(), index);
                for field in &record.fields {
                    let (name, value) = (ident(&field.name), self.unflatten(&field.ty, index)?);
                    fields.extend(quote!(#name: #value,));
                    index += self.flat_len(&field.ty)?;
                }
                quote!(#path { #fields })
            }
            TypeDefKind::Enum(_) => {
                let lift = self.named(id).map(|name| format_ident!("lift_{name}"));
                quote!(#lift(&[], &[memory::tag(flat[#index])?])?)
            }
            TypeDefKind::Option(some) => {
                let some = self.unflatten(some, index + 1)?;
                quote!(if memory::tag(flat[#index])? == 0 { None } else { Some(#some) })
            }
            other => return Err(format!("the glue takes no {}", other.as_str())),
        })
    }
}

/// A core type in Rust.
pub(super) fn core(ty: WasmType) -> TokenStream {
    match ty {
        WasmType::I32 | WasmType::Pointer | WasmType::Length => quote!(i32),
        WasmType::I64 | WasmType::PointerOrI64 => quote!(i64),
        WasmType::F32 => quote!(f32),
        WasmType::F64 => quote!(f64),
    }
}

/// The number `index` of `flat` as a value of a core type.
pub(super) fn argument(ty: WasmType, index: usize) -> TokenStream {
    match ty {
        WasmType::I32 | WasmType::Pointer | WasmType::Length => quote!(memory::low(flat[#index]).cast_signed()),
        WasmType::I64 | WasmType::PointerOrI64 => quote!(flat[#index].cast_signed()),
        WasmType::F32 => quote!(f32::from_bits(memory::low(flat[#index]))),
        WasmType::F64 => quote!(f64::from_bits(flat[#index])),
    }
}

/// A value of a core type as 64 bits.
pub(super) fn bits(ty: WasmType, value: &TokenStream) -> TokenStream {
    match ty {
        WasmType::I32 | WasmType::Pointer | WasmType::Length => quote!(u64::from(#value.cast_unsigned())),
        WasmType::I64 | WasmType::PointerOrI64 => quote!(#value.cast_unsigned()),
        WasmType::F32 => quote!(u64::from(#value.to_bits())),
        WasmType::F64 => quote!(#value.to_bits()),
    }
}
