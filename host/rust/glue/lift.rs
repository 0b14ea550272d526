//! Reading values out of the module's memory: `m` is the memory, `a` the bytes of the value.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use wit_parser::{Handle, Int, Type, TypeDefKind, TypeId};

use super::Contract;
use super::types::{camel, ident};

impl Contract {
    /// The function that reads a record, variant or enum.
    pub(super) fn lift_function(&self, id: TypeId, name: &str) -> Result<TokenStream, String> {
        let (path, size) = (self.path(id)?, self.size(&Type::Id(id)));
        let value = match &self.resolve.types[id].kind {
            TypeDefKind::Record(record) => {
                let offsets = self.sizes.field_offsets(record.fields.iter().map(|field| &field.ty));
                let fields = record.fields.iter().zip(offsets).map(|(field, (offset, ty))| {
                    let (name, value) = (ident(&field.name), self.lift(ty, offset.size_wasm32())?);
                    Ok::<_, String>(quote!(#name: #value))
                });
                let fields = fields.collect::<Result<Vec<_>, _>>()?;
                quote!(#path { #(#fields),* })
            }
            TypeDefKind::Enum(cases) => {
                let (tags, cases) = (0_u8.., cases.cases.iter().map(|case| camel(&case.name)));
                let arms = tags.zip(cases).map(|(tag, case)| quote!(#tag => #path::#case));
                quote!(match a[0] { #(#arms,)* _ => return Err(memory::malformed()) })
            }
            TypeDefKind::Variant(variant) => {
                let offset = self.payload(variant.tag(), variant.cases.iter().map(|case| case.ty.as_ref()));
                let arms = (0_u8..).zip(&variant.cases).map(|(tag, case)| {
                    let payload = case.ty.as_ref().map(|ty| self.lift(ty, offset)).transpose()?;
                    let (name, payload) = (camel(&case.name), payload.map(|payload| quote!((#payload))));
                    Ok::<_, String>(quote!(#tag => #path::#name #payload))
                });
                let arms = arms.collect::<Result<Vec<_>, _>>()?;
                quote!(match a[0] { #(#arms,)* _ => return Err(memory::malformed()) })
            }
            other => return Err(format!("the glue reads no {}", other.as_str())),
        };
        let function = format_ident!("lift_{name}");
        Ok(quote! {
            #[inline]
            fn #function(m: &[u8], a: &[u8]) -> wasmtime::Result<#path> {
                let a = memory::sized::<#size>(a)?;
                Ok(#value)
            }
        })
    }

    /// An expression that reads a value at an offset of `a`.
    pub(super) fn lift(&self, ty: &Type, offset: usize) -> Result<TokenStream, String> {
        Ok(match ty {
            Type::Bool => quote!(memory::bool_at(a, #offset)?),
            Type::U32 => quote!(memory::u32_at(a, #offset)),
            Type::S32 => quote!(memory::u32_at(a, #offset).cast_signed()),
            Type::U64 => quote!(memory::u64_at(a, #offset)),
            Type::F64 => quote!(f64::from_bits(memory::u64_at(a, #offset))),
            Type::String => quote!(memory::text_at(m, a, #offset)?.into()),
            Type::Id(id) => self.lift_of(self.original(*id), offset)?,
            other => return Err(format!("the glue reads no {other:?}")),
        })
    }

    fn lift_of(&self, id: TypeId, offset: usize) -> Result<TokenStream, String> {
        if let Some(name) = self.named(id) {
            let (function, end) = (format_ident!("lift_{name}"), offset + self.size(&Type::Id(id)));
            return Ok(quote!(#function(m, &a[#offset..#end])?));
        }
        Ok(match &self.resolve.types[id].kind {
            TypeDefKind::Option(some) => {
                let payload = offset + self.payload(Int::U8, [None, Some(some)]);
                let some = self.lift(some, payload)?;
                quote!(if memory::bool_at(a, #offset)? { Some(#some) } else { None })
            }
            TypeDefKind::Result(result) => {
                let payload = offset + self.payload(Int::U8, [result.ok.as_ref(), result.err.as_ref()]);
                let lift = |ty: &Option<Type>| ty.as_ref().map_or(Ok(quote!(())), |ty| self.lift(ty, payload));
                let (ok, err) = (lift(&result.ok)?, lift(&result.err)?);
                quote!(if memory::bool_at(a, #offset)? { Err(#err) } else { Ok(#ok) })
            }
            TypeDefKind::List(element) => {
                let (size, element) = (self.size(element), self.lift(element, 0)?);
                quote! {
                    memory::elements(m, a, #offset, #size)?.map(|a| Ok(#element)).collect::<wasmtime::Result<Vec<_>>>()?
                }
            }
            TypeDefKind::Handle(Handle::Own(of) | Handle::Borrow(of)) => {
                let kind = camel(self.resolve.types[self.original(*of)].name.as_deref().unwrap_or_default());
                quote!(Handle { address: memory::u32_at(a, #offset), kind: Kind::#kind })
            }
            other => return Err(format!("the glue reads no {}", other.as_str())),
        })
    }
}
